"""Becoming a mentor, and what staff decide about it. Nothing else assigns a mentor's status."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from accounts.models import User
from mentors.models import MENTOR_TRANSITIONS, Language, Mentor, MentorStatusChange
from mentors.photos import Photo
from mentors.services.keeping import keep, keep_words
from mentors.services.profiles import photo_file, set_skills
from mentors.signals import mentor_suspended
from mentors.slugs import free_slug, once_more


class AlreadyApplied(Exception):
    pass


class NotAllowed(Exception):
    """The message says why, for whoever asked."""


def apply(
    *,
    user: User,
    headline: str,
    bio: str,
    skills: Iterable[str],
    languages: Iterable[Language],
    time_zone: str,
    photo: Photo | None = None,
    now: datetime,
) -> Mentor:
    """An application for staff to look at, by the person who is locked. One a person: raises `AlreadyApplied`.

    `skills` are names; those that nobody has yet are created. The dashboard opens at once, so that
    hours and session types can be prepared. The photo's file is written before the transaction.
    """
    with photo_file(photo) as photo_name, transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if Mentor.objects.filter(user=person).exists():
            raise AlreadyApplied
        mentor = once_more(
            lambda: Mentor.objects.create(
                user=person,
                slug=free_slug(person.name, otherwise="mentor", among=Mentor.objects.all()),
                headline=headline,
                bio=bio,
                photo=photo_name,
                time_zone=time_zone,
                applied_at=now,
            )
        )
        set_skills(mentor, skills)
        mentor.languages.set(languages)
        _record(mentor, was="", by=person, now=now)
        _mark_as_mentor(person, True)
        keep(mentor)
        keep_words(Mentor.objects.filter(pk=mentor.pk))
        return mentor


def approve(mentor: Mentor, *, by: User, now: datetime, reason: str = "") -> Mentor:
    """Listed and bookable from now on; again, after a rejection or a suspension. Quiet when already approved.

    Raises `NotAllowed`, as `reject` and `suspend` do, when the mentor can't become that from what they are.
    """
    return _decide(mentor, Mentor.Status.APPROVED, by=by, now=now, reason=reason)


def reject(mentor: Mentor, *, by: User, now: datetime, reason: str) -> Mentor:
    """The application is turned down, and the dashboard closes. The applicant reads the reason.

    Raises `NotAllowed`, also without a reason.
    """
    return _decide(mentor, Mentor.Status.REJECTED, by=by, now=now, reason=reason)


def suspend(mentor: Mentor, *, by: User, now: datetime, reason: str) -> Mentor:
    """No longer listed or bookable. The dashboard stays, and so does every session that was agreed.

    Requests and unpaid holds end. The mentor reads the reason. Raises `NotAllowed`, also without a reason.
    """
    return _decide(mentor, Mentor.Status.SUSPENDED, by=by, now=now, reason=reason)


@transaction.atomic
def _decide(mentor: Mentor, status: Mentor.Status, *, by: User, now: datetime, reason: str) -> Mentor:
    """Locks the person, as booking does, and then the mentor."""
    person = User.objects.select_for_update(no_key=True).get(pk=mentor.user_id)
    mentor = (
        Mentor.objects.select_for_update(of=("self",), no_key=True).select_related("user").get(pk=mentor.pk)
    )
    if mentor.status == status:
        return mentor
    if status not in MENTOR_TRANSITIONS[mentor.status]:
        raise NotAllowed(f"{person}: “{mentor.get_status_display()}” can't become “{status.label}”.")
    if status != Mentor.Status.APPROVED and not reason.strip():
        raise NotAllowed(f"{person}: say why. The mentor reads it.")
    was, mentor.status = mentor.status, status
    if status == Mentor.Status.APPROVED:
        mentor.approved_at, mentor.approved_by = now, by
    mentor.save(update_fields=["status", "approved_at", "approved_by"])
    _record(mentor, was=was, by=by, now=now, reason=reason.strip())
    _mark_as_mentor(person, status != Mentor.Status.REJECTED)
    if status == Mentor.Status.SUSPENDED:
        mentor_suspended.send(Mentor, mentor=mentor, by=by, now=now)
    keep(mentor)
    return mentor


def _record(mentor: Mentor, *, was: str, by: User, now: datetime, reason: str = "") -> None:
    MentorStatusChange.objects.create(
        mentor=mentor, was=was, became=mentor.status, by=by, at=now, reason=reason
    )


def _mark_as_mentor(person: User, is_mentor: bool) -> None:
    person.is_mentor = is_mentor
    person.save(update_fields=["is_mentor"])
