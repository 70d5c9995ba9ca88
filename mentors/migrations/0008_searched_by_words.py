from django.db import migrations

from lib.trigrams import add_trigram_index


class Migration(migrations.Migration):
    dependencies = [("mentors", "0007_listed_in_order")]

    operations = [
        add_trigram_index("mentor_by_headline_trigrams", table="mentors_mentor", text="upper(headline)"),
        add_trigram_index("mentor_by_bio_trigrams", table="mentors_mentor", text="upper(bio)"),
    ]
