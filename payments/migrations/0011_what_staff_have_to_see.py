from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0010_without_indexes_that_nothing_uses'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(condition=models.Q(('status__in', ('requested', 'pending', 'failed'))), fields=['id'], name='refund_owed'),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=models.Index(condition=models.Q(('processed_at', None)), fields=['id'], name='webhook_event_unprocessed'),
        ),
    ]
