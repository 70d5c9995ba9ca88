from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mentors', '0010_fields'),
    ]

    operations = [
        migrations.CreateModel(
            name='Facet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('field', 'Field'), ('skill', 'Skill'), ('language', 'Language'), ('currency', 'Currency')], max_length=8)),
                ('value', models.CharField(max_length=60)),
                ('label', models.CharField(max_length=60)),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('mentor_count', models.PositiveIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('kind', 'value'), name='facet_is_kept_once')],
            },
        ),
    ]
