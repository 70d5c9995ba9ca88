from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mentors', '0009_listed_by_status'),
    ]

    operations = [
        migrations.CreateModel(
            name='Field',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, unique=True)),
                ('slug', models.SlugField(max_length=60, unique=True)),
                ('position', models.PositiveSmallIntegerField(default=0, help_text='The lowest comes first.')),
                ('mentor_count', models.PositiveIntegerField(default=0, editable=False)),
                ('has_free', models.BooleanField(default=False, editable=False)),
                ('price_minor', models.PositiveIntegerField(editable=False, null=True)),
                ('currency', models.CharField(blank=True, editable=False, max_length=3)),
                ('skills', models.ManyToManyField(blank=True, related_name='fields', to='mentors.skill')),
            ],
            options={
                'ordering': ['position', 'name'],
            },
        ),
    ]
