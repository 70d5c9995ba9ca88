import payments.models.payment
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0006_without_indexes_that_nothing_uses'),
        ('payments', '0009_found_by_what_staff_type'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='payment',
            name='reference',
            field=models.CharField(default=payments.models.payment.order_reference, editable=False, max_length=24, verbose_name='order'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(fields=('reference',), name='payment_reference_is_unique'),
        ),
    ]
