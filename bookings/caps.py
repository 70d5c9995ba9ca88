"""How much one person may keep at a time, beside what the limiter allows by the minute."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings

from accounts.models import User
from bookings.models import Booking, Status
from mentors.models import SessionType


class Kept(NamedTuple):
    """An open hold, an open request, or a session ahead."""

    pk: int
    starts_at: datetime
    ends_at: datetime
    status: str
    session_type_id: int
    mentor_id: int
    requires_approval: bool
    price_minor: int


def kept_by(student: User, now: datetime) -> list[Kept]:
    """Everything of this student's that is ahead, or waits: one query."""
    ahead = Booking.objects.for_student(student).upcoming(now).values_list(*Kept._fields).order_by()
    return [Kept(*each) for each in ahead]


class Rule(NamedTuple):
    have: int
    most: int
    what: str
    where: str
    remedy: str


def reached(kept: Sequence[Kept], student: User, session_type: SessionType, now: datetime) -> str:
    """The cap that one more of this type would break and what to do about it; empty while there is none."""
    is_new = now - student.date_joined < timedelta(days=settings.NEW_ACCOUNT_DAYS)
    for rule in _rules(kept, session_type):
        most = -(-rule.most // 2) if is_new else rule.most
        if rule.have >= most:
            when = f" in an account’s first {_count(settings.NEW_ACCOUNT_DAYS, 'day')}" if is_new else ""
            have = f"{_count(rule.have, rule.what)} {rule.where}"
            return f"You have {have}, and {most} at once is the most{when}. {rule.remedy}"
    return ""


def _rules(kept: Sequence[Kept], session_type: SessionType) -> Iterator[Rule]:
    """Those that booking this type must keep.

    The student's own hold of the type doesn't count: picking again gives it up. A free request counts as a free
    session too, so that no answer of the mentor's breaks a cap.
    """
    if session_type.requires_approval:
        requests = sum(each.status == Status.REQUESTED for each in kept)
        remedy = "Wait for an answer or cancel one, then ask for this."
        yield Rule(requests, settings.MAX_OPEN_REQUESTS, "request", "waiting for an answer", remedy)
    elif not session_type.is_free:
        held = [each for each in kept if each.status == Status.AWAITING_PAYMENT]
        holds = sum(not is_given_up(each, session_type) for each in held)
        remedy = "Pay for one of them or let one go, then book this."
        yield Rule(holds, settings.MAX_OPEN_HOLDS, "unpaid time", "on hold", remedy)
    if session_type.is_free:
        free = [each.mentor_id for each in kept if not each.price_minor]
        most, where = (
            settings.MAX_FREE_SESSIONS_WITH_ONE_MENTOR,
            f"ahead with {session_type.mentor.user.first_name}",
        )
        remedy = "Cancel one of them or let it take place, then book this."
        yield Rule(free.count(session_type.mentor_id), most, "free session", where, remedy)
        yield Rule(len(free), settings.MAX_FREE_SESSIONS, "free session", "ahead", remedy)


def is_given_up(each: Kept, session_type: SessionType) -> bool:
    """As `BookingQuerySet.given_up_for`: the open hold that its student gives up by picking another time."""
    is_of_type = each.session_type_id == session_type.pk and not each.requires_approval
    return each.status == Status.AWAITING_PAYMENT and is_of_type


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
