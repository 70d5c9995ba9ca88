from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0004_listed_by_start'),
        ('mentors', '0006_status_changes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='booking',
            index=models.Index(condition=models.Q(('status', 'awaiting_payment')), fields=['hold_expires_at', 'id'], name='booking_to_expire_unpaid'),
        ),
        migrations.AddIndex(
            model_name='booking',
            index=models.Index(condition=models.Q(('status', 'requested')), fields=['respond_by', 'id'], name='booking_to_expire_unanswered'),
        ),
    ]
