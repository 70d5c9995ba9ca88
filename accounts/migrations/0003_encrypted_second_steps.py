from django.db import migrations

from lib.encryption import decrypt, encrypt
from accounts.second_steps import with_secrets


def change_all(apps, change):
    rows = apps.get_model("mfa", "Authenticator").objects
    for row in rows.all():
        rows.filter(pk=row.pk).update(data=with_secrets(row.data, change))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_names_hide_nothing"), ("mfa", "0003_authenticator_type_uniq")]

    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: change_all(apps, encrypt),
            lambda apps, schema_editor: change_all(apps, decrypt),
        )
    ]
