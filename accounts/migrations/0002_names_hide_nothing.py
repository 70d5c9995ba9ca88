from django.db import migrations, models

import lib.names
from lib.names import plain_name


def clean(apps, schema_editor):
    """What was typed before it was refused: the same words without what misleads."""
    for model, field in ((("accounts", "User"), "name"),):
        rows = apps.get_model(*model)._default_manager
        for pk, words in rows.values_list("pk", field).iterator():
            if plain_name(words) != words:
                rows.filter(pk=pk).update(**{field: plain_name(words).strip()})



class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(clean, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="user",
            name="name",
            field=models.CharField(max_length=120, validators=[lib.names.validate_name]),
        ),
    ]
