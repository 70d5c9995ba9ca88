import django.db.models.deletion
from django.db import migrations, models

from lib.trigrams import add_trigram_index, drop_trigram_index


def gather(apps, editor):
    """As `mentors.services.keep_words` writes them."""
    words = apps.get_model("mentors", "MentorWords")
    mentors = apps.get_model("mentors", "Mentor").objects.select_related("user").prefetch_related("skills")
    batch = []
    for mentor in mentors.iterator(chunk_size=500):
        skills = [skill.name for skill in mentor.skills.all()]
        text = "\n".join([mentor.user.name, mentor.headline, mentor.bio, *skills]).casefold()
        batch.append(words(mentor=mentor, text=text))
        if len(batch) == 500:
            words.objects.bulk_create(batch)
            batch = []
    words.objects.bulk_create(batch)


class Migration(migrations.Migration):

    dependencies = [
        ('mentors', '0011_facets'),
    ]

    operations = [
        migrations.CreateModel(
            name='MentorWords',
            fields=[
                ('mentor', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='words', serialize=False, to='mentors.mentor')),
                ('text', models.TextField()),
            ],
        ),
        add_trigram_index("mentor_words_trigrams", table="mentors_mentorwords", text="text"),
        migrations.RunPython(gather, migrations.RunPython.noop),
        drop_trigram_index("mentor_by_bio_trigrams", table="mentors_mentor", text="upper(bio)"),
    ]
