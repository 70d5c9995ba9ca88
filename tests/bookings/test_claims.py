"""No person's claims for two sessions overlap: the database's own word, whatever the code above it does."""

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, connection, models, transaction

from bookings import triggers
from bookings.models import LONGEST_CLAIM, TimeClaim
from tests.bookings.clock import at
from tests.factories import NOW, BookingFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(student):
    """Arjun's session from 12 to 13."""
    return BookingFactory(student=student, starts_at=at(9, 12))


@pytest.fixture
def other():
    """Somebody else's session with somebody else; its claims are what a test makes."""
    return BookingFactory(starts_at=at(9, 12), claims=False)


def claim(booking, person, starts_at, ends_at, **fields):
    """Past every service, as a forgotten lock or a hand in the database would do it."""
    with transaction.atomic():
        return TimeClaim.objects.bulk_create(
            [TimeClaim(booking=booking, person=person, starts_at=starts_at, ends_at=ends_at, **fields)]
        )[0]


OVERLAPS = {
    "the same": (at(9, 12), at(9, 13)),
    "inside": (at(9, 12, 15), at(9, 12, 30)),
    "around": (at(9, 11), at(9, 14)),
    "into its beginning": (at(9, 11), at(9, 12, 1)),
    "into its end": (at(9, 12, 59), at(9, 14)),
}


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_an_overlapping_claim_of_the_same_person_is_refused(first, other, overlap):
    with pytest.raises(IntegrityError, match="time_claim_never_overlaps"):
        claim(other, first.student, *OVERLAPS[overlap])
    with pytest.raises(IntegrityError, match="time_claim_never_overlaps"):
        claim(other, first.mentor.user, *OVERLAPS[overlap])
    assert TimeClaim.objects.count() == 2


def test_a_person_is_guarded_as_mentor_and_as_student_alike(first):
    as_student = BookingFactory(student=first.mentor.user, starts_at=at(9, 12), claims=False)
    with pytest.raises(IntegrityError):
        claim(as_student, first.mentor.user, at(9, 12), at(9, 13))


def test_a_claim_that_has_lapsed_but_not_been_ended_still_stands(first, other):
    first.claims.update(expires_at=NOW)
    with pytest.raises(IntegrityError):
        claim(other, first.student, at(9, 12), at(9, 13))


def test_claims_back_to_back_are_fine(first, other):
    claim(other, first.student, at(9, 11), at(9, 12))
    claim(other, first.student, at(9, 13), at(9, 14))
    assert first.student.time_claims.count() == 3


def test_the_longest_claim_stands_to_its_last_minute(other, stranger):
    claim(other, stranger, at(8, 13), at(8, 13) + LONGEST_CLAIM)
    third = BookingFactory(starts_at=at(9, 12), claims=False)
    with pytest.raises(IntegrityError, match="time_claim_never_overlaps"):
        claim(third, stranger, at(9, 12, 59), at(9, 14))
    claim(third, stranger, at(9, 13), at(9, 14))


def test_a_longer_claim_is_refused(other, stranger):
    with pytest.raises(IntegrityError, match="time_claim_is_within_a_day"):
        claim(other, stranger, at(8, 13), at(9, 13, 1))


def test_claims_of_different_people_may_overlap(first, other, stranger):
    claim(other, stranger, at(9, 12), at(9, 13))


def test_one_sessions_claims_may_overlap_each_other(first):
    claim(first, first.mentor.user, at(9, 12, 30), at(9, 13, 30), expires_at=NOW)
    assert first.claims.count() == 3


@pytest.mark.parametrize("ends_at", [at(9, 14), at(9, 13, 59)])
def test_a_claim_ends_after_it_starts(first, other, ends_at):
    with pytest.raises(IntegrityError, match="time_claim_ends_after_it_starts"):
        claim(other, first.student, at(9, 14), ends_at)


@pytest.mark.parametrize(
    "change",
    [
        {"starts_at": at(9, 12, 30)},
        {"starts_at": at(9, 10), "ends_at": at(9, 12, 1)},
    ],
)
def test_a_claim_is_not_moved_into_another(first, other, change):
    moved = claim(other, first.student, at(9, 13), at(9, 14))
    with pytest.raises(IntegrityError, match="time_claim_never_overlaps"), transaction.atomic():
        TimeClaim.objects.filter(pk=moved.pk).update(**change)


def test_a_claim_is_not_handed_to_a_person_who_is_busy(first, other, stranger):
    handed = claim(other, stranger, at(9, 12), at(9, 13))
    with pytest.raises(IntegrityError, match="time_claim_never_overlaps"), transaction.atomic():
        TimeClaim.objects.filter(pk=handed.pk).update(person=first.student)


def test_a_claim_may_be_moved_within_its_own_time(first):
    assert first.claims.update(starts_at=at(9, 12, 30), expires_at=NOW) == 2


# SQLite's triggers: a rebuilt table loses them


def rebuild_the_table():
    """As Django does it for a migration that alters a column; foreign keys are off meanwhile, as there."""
    old = TimeClaim._meta.get_field("expires_at")
    new = models.DateTimeField(null=True, blank=True, db_index=True)
    new.set_attributes_from_name("expires_at")
    new.model = TimeClaim
    with connection.schema_editor() as editor:
        editor.alter_field(TimeClaim, old, new)
    with connection.schema_editor() as editor:
        editor.alter_field(TimeClaim, new, old)


@pytest.fixture
def table_as_it_was():
    yield
    triggers.install()


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_rebuilt_table_has_no_triggers_until_the_next_migrate(table_as_it_was):
    assert triggers.missing() == []
    rebuild_the_table()
    assert triggers.missing() == list(triggers.NAMES)
    with pytest.raises(SystemCheckError, match=r"bookings\.E001"):
        call_command("check", databases=["default"], verbosity=0)
    call_command("migrate", verbosity=0, skip_checks=True)
    assert triggers.missing() == []
    call_command("check", databases=["default"], verbosity=0)


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", triggers.NAMES)
def test_the_check_names_the_trigger_that_is_missing(table_as_it_was, name):
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {name}")
    (error,) = triggers.check_triggers(None, databases=["default"])
    assert (error.id, name in error.msg) == ("bookings.E001", True)
    assert triggers.check_triggers(None) == [], "no database was asked about"
    triggers.install()
    triggers.install()
    assert triggers.check_triggers(None, databases=["default"]) == []


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_without_its_triggers_the_table_takes_an_overlap(table_as_it_was, first, other):
    rebuild_the_table()
    claim(other, first.student, at(9, 12), at(9, 13))
    TimeClaim.objects.all().delete()


@pytest.mark.postgresql
def test_postgresql_needs_no_trigger_and_has_the_constraint():
    assert triggers.missing() == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT contype FROM pg_constraint WHERE conname = 'time_claim_never_overlaps'")
        assert cursor.fetchone() == ("x",)
