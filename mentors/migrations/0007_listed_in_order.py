import django.db.models.expressions
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mentors', '0006_status_changes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='mentor',
            index=models.Index(models.OrderBy(django.db.models.functions.comparison.Coalesce(models.ExpressionWrapper(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('rating_mean'), '*', models.F('review_count')), '+', models.Value(21.0)), '/', django.db.models.expressions.CombinedExpression(models.F('review_count'), '+', models.Value(5.0))), output_field=models.FloatField()), 0.0), descending=True), models.OrderBy(models.F('session_count'), descending=True), models.OrderBy(models.F('id')), condition=models.Q(('is_paused', False), ('status', 'approved')), name='mentor_by_rating'),
        ),
        migrations.AddIndex(
            model_name='mentor',
            index=models.Index(models.OrderBy(django.db.models.functions.comparison.Coalesce('approved_at', 'applied_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('is_paused', False), ('status', 'approved')), name='mentor_by_approval'),
        ),
        migrations.AddIndex(
            model_name='mentor',
            index=models.Index(condition=models.Q(('is_paused', False), ('status', 'approved')), fields=['-session_count', '-review_count', 'id'], name='mentor_by_sessions'),
        ),
    ]
