from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0002_hidden_reviews'),
        ('mentors', '0006_status_changes'),
        ('payments', '0008_second_payments_of_a_payment'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='dispute',
            name='dispute_is_once_a_payment',
        ),
        migrations.RemoveConstraint(
            model_name='payment',
            name='payment_checkout_is_unique',
        ),
        migrations.RemoveConstraint(
            model_name='payment',
            name='payment_payment_id_is_unique',
        ),
        migrations.RemoveConstraint(
            model_name='payout',
            name='payout_transfer_is_recorded_once',
        ),
        migrations.RemoveConstraint(
            model_name='refund',
            name='refund_provider_id_is_unique_for_payment',
        ),
        migrations.RemoveConstraint(
            model_name='webhookevent',
            name='webhook_event_is_stored_once',
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['created_at', 'id'], name='payment_by_creation'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('needs_review', True)), fields=['id'], name='payment_to_review'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('is_disputed', True)), fields=['id'], name='payment_in_dispute'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('is_surplus', True)), fields=['id'], name='payment_surplus'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.UniqueConstraint(fields=('dispute_id', 'payment'), name='dispute_is_once_a_payment'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(condition=models.Q(('provider_ref', ''), _negated=True), fields=('provider_ref', 'gateway'), name='payment_checkout_is_unique'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(condition=models.Q(('payment_id', ''), _negated=True), fields=('payment_id', 'gateway'), name='payment_payment_id_is_unique'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.UniqueConstraint(fields=('transfer_reference', 'mentor'), name='payout_transfer_is_recorded_once'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.UniqueConstraint(condition=models.Q(('provider_id', ''), _negated=True), fields=('provider_id', 'payment'), name='refund_provider_id_is_unique_for_payment'),
        ),
        migrations.AddConstraint(
            model_name='webhookevent',
            constraint=models.UniqueConstraint(fields=('event_id', 'gateway'), name='webhook_event_is_stored_once'),
        ),
    ]
