from datetime import time, timedelta
from functools import partial
from io import BytesIO
from itertools import product
from typing import Any, ClassVar

import pytest
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from accounts.models import User
from mentors import services
from mentors.models import MENTOR_TRANSITIONS, Mentor, Skill, WeeklyHours
from mentors.photos import Photo, read_photo
from mentors.schedules import Hours
from tests import factories
from tests.factories import NOW
from tests.mentors import pictures

Status = Mentor.Status
DECISIONS = {
    Status.APPROVED: services.approve,
    Status.REJECTED: partial(services.reject, reason="Too few words."),
    Status.SUSPENDED: partial(services.suspend, reason="Three complaints."),
}


def application(user: User, **changes: Any) -> Mentor:
    facts = {
        "headline": "Baker, nine years",
        "bio": "Bread.",
        "skills": ["Baking"],
        "languages": [factories.LanguageFactory()],
        "time_zone": "Europe/Berlin",
        "now": NOW,
    }
    return services.apply(user=user, **{**facts, **changes})


@pytest.fixture
def photo() -> Photo:
    content = pictures.plain()
    return read_photo(BytesIO(content), len(content))


def test_apply_makes_a_mentor_who_waits_for_approval(student: User, photo: Photo) -> None:
    mentor = application(student, skills=["Baking", "Sourdough"], photo=photo)
    mentor.refresh_from_db()
    student.refresh_from_db()
    assert (mentor.status, mentor.slug, mentor.applied_at) == (Status.APPLIED, "arjun-kapoor", NOW)
    assert [skill.name for skill in mentor.skills.all()] == ["Baking", "Sourdough"]
    assert mentor.photo_url.startswith("/media/mentors/")
    assert student.is_mentor
    assert not Mentor.objects.public().exists()


def test_apply_twice_is_refused_and_changes_nothing(student: User) -> None:
    application(student)
    with pytest.raises(services.AlreadyApplied):
        application(student, headline="Somebody else")
    assert Mentor.objects.get().headline == "Baker, nine years"


def test_apply_gives_people_of_one_name_slugs_of_their_own(db: None) -> None:
    people = factories.UserFactory.create_batch(3, name="Meera Rao")
    assert [application(user).slug for user in people] == ["meera-rao", "meera-rao-2", "meera-rao-3"]


@pytest.mark.parametrize(
    ("name", "slug"), [("李娜", "mentor"), ("", "mentor"), ("__", "mentor"), ("x" * 120, "x" * 75)]
)
def test_apply_finds_a_slug_for_any_name(db: None, name: str, slug: str) -> None:
    assert application(factories.UserFactory(name=name)).slug == slug


def test_apply_finds_skills_whatever_their_case(student: User) -> None:
    known = factories.SkillFactory(name="Python", slug="python")
    mentor = application(student, skills=["PYTHON", "C", "C++", "C#"])
    assert known in mentor.skills.all()
    assert set(Skill.objects.values_list("slug", flat=True)) == {"python", "c", "c-plus-plus", "c-sharp"}


@pytest.mark.parametrize(("before", "after"), list(product(Status, DECISIONS)))
def test_a_status_changes_only_as_the_table_says(staff: User, before: str, after: Mentor.Status) -> None:
    mentor = factories.MentorFactory(status=before, approved_at=None)
    if after in MENTOR_TRANSITIONS[before] or after == before:
        DECISIONS[after](mentor, by=staff, now=NOW)
        expected: str = after
    else:
        with pytest.raises(services.NotAllowed, match=mentor.name):
            DECISIONS[after](mentor, by=staff, now=NOW)
        expected = before
    mentor.refresh_from_db()
    assert mentor.status == expected


def test_approve_says_when_and_by_whom_once(staff: User, student: User) -> None:
    mentor = application(student)
    services.approve(mentor, by=staff, now=NOW)
    services.approve(mentor, by=student, now=NOW.replace(year=2027))
    mentor.refresh_from_db()
    assert (mentor.approved_at, mentor.approved_by) == (NOW, staff)
    assert mentor in Mentor.objects.public()


def test_every_decision_leaves_a_row_of_who_when_and_why(staff: User, student: User) -> None:
    mentor = application(student)
    later = NOW + timedelta(days=1)
    services.reject(mentor, by=staff, now=NOW, reason=" Too few words. ")
    services.approve(mentor, by=staff, now=later)
    services.approve(mentor, by=staff, now=later)  # quiet: nothing is decided
    services.suspend(mentor, by=staff, now=later, reason="Three complaints.")
    rows = mentor.status_changes.values_list("was", "became", "by", "at", "reason")
    assert list(rows) == [
        ("", "applied", student.pk, NOW, ""),
        ("applied", "rejected", staff.pk, NOW, "Too few words."),
        ("rejected", "approved", staff.pk, later, ""),
        ("approved", "suspended", staff.pk, later, "Three complaints."),
    ]


@pytest.mark.parametrize("reason", ["", " \n"])
def test_nobody_is_rejected_or_suspended_without_a_reason(staff: User, reason: str) -> None:
    for before, decide in (("applied", services.reject), ("approved", services.suspend)):
        mentor = factories.MentorFactory(status=before)
        with pytest.raises(services.NotAllowed, match="say why"):
            decide(mentor, by=staff, now=NOW, reason=reason)
        mentor.refresh_from_db()
        assert (mentor.status, mentor.status_changes.count()) == (before, 0)


def test_reject_closes_the_dashboard_and_approving_after_all_opens_it(staff: User, student: User) -> None:
    mentor = application(student)
    for status, is_mentor in ((Status.REJECTED, False), (Status.APPROVED, True), (Status.SUSPENDED, True)):
        DECISIONS[status](mentor, by=staff, now=NOW)
        student.refresh_from_db()
        assert student.is_mentor == is_mentor


def test_update_profile_writes_what_students_see(mentor: Mentor) -> None:
    services.update_profile(
        mentor=mentor,
        headline="Now a gardener",
        bio="Plants.",
        skills=["Gardening"],
        languages=[factories.LanguageFactory(code="hi")],
        time_zone="Europe/London",
        cancellation_policy="strict",
        is_paused=True,
    )
    mentor.refresh_from_db()
    assert (mentor.headline, mentor.time_zone, mentor.cancellation_policy) == (
        "Now a gardener",
        "Europe/London",
        "strict",
    )
    assert (mentor.skills.get().slug, mentor.languages.get().code) == ("gardening", "hi")
    assert not Mentor.objects.public().exists()


class NoticingStorage(FileSystemStorage):
    """Notices how many transactions, one within the other, are open while a file is written."""

    open_transactions: ClassVar[list[int]] = []

    def _save(self, name: str, content: File[bytes]) -> str:
        self.open_transactions.append(len(connection.savepoint_ids))
        return super()._save(name, content)


@pytest.fixture
def open_transactions(settings: Settings) -> list[int]:
    noticing = {"BACKEND": f"{NoticingStorage.__module__}.{NoticingStorage.__qualname__}"}
    settings.STORAGES = {**settings.STORAGES, "default": noticing}
    NoticingStorage.open_transactions.clear()
    return NoticingStorage.open_transactions


def test_photos_are_written_outside_of_transactions(
    student: User, mentor: Mentor, photo: Photo, open_transactions: list[int]
) -> None:
    around = len(connection.savepoint_ids)  # the test's own
    application(student, photo=photo)
    services.set_photo(mentor=mentor, photo=photo)
    assert open_transactions == [around, around]


def test_a_photo_that_no_row_came_to_name_leaves_no_file(student: User, photo: Photo) -> None:
    application(student, photo=photo)
    kept = default_storage.listdir("mentors")[1]
    with pytest.raises(services.AlreadyApplied):
        application(student, photo=photo)
    with pytest.raises(Mentor.DoesNotExist):
        services.set_photo(mentor=Mentor(pk=0), photo=photo)
    assert default_storage.listdir("mentors")[1] == kept


def test_a_new_photo_takes_the_old_file_away_after_the_commit(
    mentor: Mentor, photo: Photo, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    services.set_photo(mentor=mentor, photo=photo)
    old = mentor.photo.name
    with django_capture_on_commit_callbacks(execute=True):
        services.set_photo(mentor=mentor, photo=photo)
        assert default_storage.exists(old)
    assert not default_storage.exists(old)
    with default_storage.open(mentor.photo.name) as file:
        assert file.read() == photo.jpeg


def test_remove_photo_takes_the_file_away(
    mentor: Mentor, photo: Photo, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    services.set_photo(mentor=mentor, photo=photo)
    name = mentor.photo.name
    with django_capture_on_commit_callbacks(execute=True):
        services.remove_photo(mentor=mentor)
    mentor.refresh_from_db()
    assert (mentor.photo_url, default_storage.exists(name)) == ("", False)


def test_set_weekly_hours_replaces_the_week_and_nobody_elses(mentor: Mentor) -> None:
    other = factories.MentorFactory()
    services.set_weekly_hours(mentor=mentor, week=[Hours(6, WeeklyHours.Kind.OPEN, time(22), time(2))])
    assert [str(row) for row in mentor.weekly_hours.all()] == ["Sunday 22:00 to 02:00"]
    assert other.weekly_hours.count() == 6


TYPE = {
    "name": "Mock Interview",
    "description": "",
    "pricing": "fixed",
    "price_minor": 0,
    "currency": "INR",
    "durations": [60, 30],
    "requires_approval": False,
}


def test_create_session_type_puts_it_last_under_a_slug_of_its_own(mentor: Mentor) -> None:
    made = [services.create_session_type(mentor=mentor, **TYPE) for _ in range(2)]
    assert [each.slug for each in made] == ["mock-interview", "mock-interview-2"]
    assert [each.position for each in made] == [0, 1]
    assert made[0].durations == [30, 60]
    assert services.create_session_type(mentor=factories.MentorFactory(), **TYPE).slug == "mock-interview"


def test_create_session_type_leaves_the_address_of_the_page_that_makes_one(mentor: Mentor) -> None:
    assert services.create_session_type(mentor=mentor, **{**TYPE, "name": "New"}).slug == "new-2"


def test_update_session_type_keeps_its_slug(mentor: Mentor) -> None:
    session_type = services.create_session_type(mentor=mentor, **TYPE)
    changes = {**TYPE, "name": "Renamed", "currency": "USD", "price_minor": 5_000}
    services.update_session_type(session_type=session_type, **changes)
    session_type.refresh_from_db()
    assert (session_type.name, session_type.slug) == ("Renamed", "mock-interview")
    assert (session_type.price_minor, session_type.currency) == (5_000, "USD")


def test_switch_session_type_off_and_on(mentor: Mentor) -> None:
    session_type = services.create_session_type(mentor=mentor, **TYPE)
    services.switch_session_type(session_type=session_type, is_active=False)
    assert not mentor.session_types.active().exists()
    services.switch_session_type(session_type=session_type, is_active=True)
    assert mentor.session_types.active().get() == session_type
