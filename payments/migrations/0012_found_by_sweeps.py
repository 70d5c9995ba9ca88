from django.db import migrations, models


def mark_former(apps, schema_editor):
    customers = apps.get_model("payments", "ProviderCustomer")
    customers.objects.filter(user__closed_at__isnull=False).update(is_former=True)


def ask_at_once(apps, schema_editor):
    waiting = apps.get_model("payments", "Payment").objects.filter(ask_at=None)
    at_provider = waiting.filter(status__in=["open", "processing", "authorized"])
    at_provider.update(ask_at=models.F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("payments", "0011_what_staff_have_to_see"), ("accounts", "0004_closed_accounts")]

    operations = [
        migrations.AddField("providercustomer", "is_former", models.BooleanField(default=False)),
        migrations.RunPython(mark_former, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="providercustomer",
            index=models.Index(
                condition=models.Q(("is_former", True)), fields=["id"], name="customer_former"
            ),
        ),
        migrations.AddIndex(
            model_name="mockcheckout",
            index=models.Index(fields=["payment_id"], name="mock_checkout_by_payment"),
        ),
        migrations.RunPython(ask_at_once, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                fields=["ask_at", "id"],
                condition=models.Q(
                    ("review_reason", ""), ("status__in", ("open", "processing", "authorized"))
                ),
                name="payment_to_ask_about",
            ),
        ),
    ]
