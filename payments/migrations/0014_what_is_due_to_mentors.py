import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Value
from django.db.models.functions import Cast, Greatest

WIDE = models.BigIntegerField()


class Migration(migrations.Migration):
    dependencies = [("payments", "0013_payments_know_their_mentor")]

    operations = [
        migrations.AlterField(
            "payment",
            "mentor",
            models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="mentors.mentor",
            ),
        ),
        migrations.AddField(
            "payment",
            "due_minor",
            models.GeneratedField(
                expression=Greatest(
                    Cast("amount_minor", WIDE)
                    - F("platform_fee_minor")
                    - F("refunded_minor")
                    - F("reserved_minor")
                    - F("lost_minor"),
                    Value(0, output_field=WIDE),
                    output_field=WIDE,
                )
                - F("paid_out_minor"),
                output_field=WIDE,
                db_persist=True,
            ),
        ),
        migrations.AddIndex(
            "payment",
            models.Index(
                fields=["mentor", "currency"],
                condition=models.Q(
                    models.Q(("due_minor__lt", 0), ("due_minor__gt", 0), _connector="OR"),
                    ("is_surplus", False),
                    ("status", "succeeded"),
                ),
                name="payment_to_pay_out",
            ),
        ),
    ]
