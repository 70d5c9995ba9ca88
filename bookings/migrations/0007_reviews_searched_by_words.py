from django.db import migrations

from lib.trigrams import add_trigram_index


class Migration(migrations.Migration):
    dependencies = [("bookings", "0006_without_indexes_that_nothing_uses")]

    operations = [
        add_trigram_index("review_by_words_trigrams", table="bookings_review", text="upper(words)"),
    ]
