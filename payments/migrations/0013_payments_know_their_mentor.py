import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery, Sum


def fill(apps, schema_editor):
    payments = apps.get_model("payments", "Payment").objects
    bookings = apps.get_model("bookings", "Booking").objects.filter(pk=OuterRef("booking"))
    payments.update(mentor=Subquery(bookings.order_by().values("mentor")))
    standing = apps.get_model("payments", "PayoutLine").objects.filter(is_returned=False)
    lines = standing.filter(payment=OuterRef("pk")).order_by().values("payment")
    paid = Subquery(lines.annotate(total=Sum("amount_minor")).values("total"))
    payments.filter(pk__in=standing.order_by().values("payment")).update(paid_out_minor=paid)


class Migration(migrations.Migration):
    dependencies = [("mentors", "0001_initial"), ("payments", "0012_found_by_sweeps")]

    operations = [
        migrations.AddField(
            "payment",
            "mentor",
            models.ForeignKey(
                null=True,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="mentors.mentor",
            ),
        ),
        migrations.AddField(
            "payment",
            "paid_out_minor",
            models.BigIntegerField(default=0, editable=False, verbose_name="paid out to the mentor"),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
