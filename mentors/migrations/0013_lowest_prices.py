import django.db.models.deletion
from django.db import migrations, models


def find(apps, editor):
    """As `mentors.services.keep_prices` writes them."""
    lowest = {}
    offers = apps.get_model("mentors", "SessionType").objects.filter(is_active=True)
    for mentor, currency, price in offers.values_list("mentor", "currency", "price_minor"):
        key = (mentor, currency if price else "")
        lowest[key] = min(price, lowest.get(key, price))
    prices = apps.get_model("mentors", "LowestPrice")
    rows = [
        prices(mentor_id=mentor, currency=currency, price_minor=price)
        for (mentor, currency), price in lowest.items()
        if not currency or (mentor, "") not in lowest
    ]
    prices.objects.bulk_create(rows, batch_size=1000)


class Migration(migrations.Migration):

    dependencies = [
        ('mentors', '0012_words'),
    ]

    operations = [
        migrations.CreateModel(
            name='LowestPrice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('price_minor', models.PositiveIntegerField()),
                ('mentor', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='lowest_prices', to='mentors.mentor')),
            ],
            options={
                'indexes': [models.Index(fields=['currency', 'price_minor', 'mentor'], name='lowest_price_in_order')],
                'constraints': [models.UniqueConstraint(fields=('mentor', 'currency'), name='lowest_price_is_kept_once')],
            },
        ),
        migrations.RunPython(find, migrations.RunPython.noop),
    ]
