from datetime import UTC, datetime

import django.db.models.deletion
from django.db import migrations, models


def begin(apps, editor):
    """Every mentor's are due at once: a worker finds them, and not the migration."""
    kept = apps.get_model("bookings", "KeptOpenings")
    mentors = apps.get_model("mentors", "Mentor").objects.values_list("pk", flat=True)
    at_once = datetime(2000, 1, 1, tzinfo=UTC)
    kept.objects.bulk_create([kept(mentor_id=pk, due_at=at_once) for pk in mentors], batch_size=1000)


class Migration(migrations.Migration):

    dependencies = [
        ('bookings', '0008_what_waits_by_mentor'),
        ('mentors', '0010_fields'),
    ]

    operations = [
        migrations.CreateModel(
            name='KeptOpenings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField(db_index=True)),
                ('changes', models.PositiveIntegerField(default=0)),
                ('half_hours', models.BigIntegerField(default=0)),
                ('mentor', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='kept_openings', to='mentors.mentor')),
            ],
        ),
        migrations.CreateModel(
            name='NextOpening',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField()),
                ('closes_at', models.DateTimeField()),
                ('mentor', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='next_openings', to='mentors.mentor')),
                ('session_type', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='next_openings', to='mentors.sessiontype')),
            ],
            options={
                'indexes': [models.Index(fields=['starts_at', 'id'], name='next_opening_by_start'), models.Index(fields=['mentor', 'starts_at'], name='next_opening_by_mentor')],
                'constraints': [models.UniqueConstraint(fields=('session_type', 'starts_at'), name='next_opening_is_kept_once')],
            },
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
