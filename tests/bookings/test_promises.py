"""What a page or a mail says will happen, and when it may say so.

`PROMISES` is to be read by hand: each sentence, and the condition under which it may stand before a reader. Every
session page, list and payment page of every state is opened by the student, the mentor and staff, every answer to a
press is read, and every mail. A sentence whose condition does not hold fails, and so does one that stands nowhere any
more, and one on a session's pages that promises something and is not in the table.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django.utils.functional import cached_property

from accounts.models import User
from bookings.models import Booking, Status
from bookings.permissions import why_not_cancel
from bookings.services import accept, book, cancel, complete, decline, expire
from mentors.models import Mentor
from notifications.mail import compose
from notifications.models import Kind, Message
from notifications.models import Status as MessageStatus
from payments.gateways import mock
from payments.models import MockRefund, Payment, PaymentStatus, Refund, RefundStatus
from payments.services import ReturnUrls, open_checkout, send_refund, settle
from payments.services.refund_sync import sync_refunds
from tests import factories
from tests.factories import NOW
from tests.test_clocks import Words

pytestmark = pytest.mark.once

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 12, 9, 5, 30, tzinfo=NOW.tzinfo)  # 11:00 in Kolkata, six days and 23 hours ahead


@dataclass
class Case:
    """A session as it stands while somebody reads about it."""

    booking: Booking
    role: str
    reader: User
    mail: Message | None = None
    attachments: int = 0
    now: datetime = field(default_factory=timezone.now)

    def is_(self, *statuses: Status) -> bool:
        return self.booking.status_at(self.now) in statuses

    @cached_property
    def is_student(self) -> bool:
        return self.role == "student"

    @cached_property
    def is_agreed(self) -> bool:
        return self.booking.status == Status.SCHEDULED and self.now < self.booking.ends_at

    @cached_property
    def opens_at(self) -> datetime:
        return self.booking.starts_at - 15 * MINUTE

    @cached_property
    def is_held(self) -> bool:
        return self.booking.payable_at(self.now)

    @cached_property
    def is_asked(self) -> bool:
        return self.is_(Status.REQUESTED)

    @cached_property
    def came_in(self) -> bool:
        return Payment.objects.filter(booking=self.booking, status=PaymentStatus.SUCCEEDED).exists()

    @cached_property
    def is_unpaid(self) -> bool:
        """No payment of it came in, nor may be on its way."""
        quiet = (PaymentStatus.CREATED, PaymentStatus.OPEN, PaymentStatus.CANCELED, PaymentStatus.EXPIRED)
        return not Payment.objects.filter(booking=self.booking).exclude(status__in=quiet).exists()

    @cached_property
    def time_is_free(self) -> bool:
        return not self.booking.claims.live(self.now).exists()

    def refunds(self, *statuses: RefundStatus) -> bool:
        return Refund.objects.filter(payment__booking=self.booking, status__in=statuses).exists()

    def messages(self, kind: Kind, *, readers: int = 0) -> int:
        """That still go out or have gone out: to this reader, or to how many in all."""
        rows = Message.objects.filter(booking=self.booking, kind=kind).exclude(status=MessageStatus.DROPPED)
        return rows.count() if readers else rows.filter(recipient=self.reader).count()

    @cached_property
    def reminder_waits(self) -> bool:
        return Message.objects.filter(
            booking=self.booking, recipient=self.reader, kind=Kind.REMINDER_24H, status=MessageStatus.QUEUED,
            due_at__gt=self.now,
        ).exists()  # fmt: skip


GOING_BACK = (RefundStatus.REQUESTED, RefundStatus.PENDING, RefundStatus.SUCCEEDED)
ON_ITS_WAY = (RefundStatus.REQUESTED, RefundStatus.PENDING)

# fmt: off
PROMISES: list[tuple[str, Callable[[Case], bool]]] = [
    # The room
    (r"[Tt]he room opens 15 minutes before the start", lambda case: case.is_agreed and case.now < case.opens_at),
    (r"The room opens (here|on this page)", lambda case: case.is_agreed and case.now < case.opens_at),
    (r"From then on the button is on this page", lambda case: case.is_agreed and case.now < case.opens_at),
    (r"[Tt]he room is open", lambda case: case.is_agreed and case.opens_at <= case.now),
    (r"This session is over", lambda case: case.booking.ends_at <= case.now),
    (r"It opens 15 minutes before the start", lambda case: case.is_agreed),
    # What is agreed, asked, held
    (r"You’re booked", lambda case: case.is_agreed and case.is_student),
    (r"Your request is with ", lambda case: case.is_asked and case.is_student),
    (r"Asked, answer by", lambda case: case.is_asked),
    (r"Nobody answered in time", lambda case: case.is_(Status.EXPIRED) and case.booking.hold_expires_at is None),
    (r"Nobody paid in time", lambda case: case.is_(Status.EXPIRED) and case.is_unpaid),
    (r"The time is kept until then\.", lambda case: case.is_asked and not case.time_is_free),
    (r"With a yes you are booked and get an e-mail", lambda case: case.is_asked and case.booking.is_free),
    (r"With a yes you pay, and then you are booked. Nothing is charged before",
     lambda case: case.is_asked and not case.booking.is_free and case.is_unpaid),
    (r"the answer, yes or no, stands on the session’s page", lambda case: case.is_asked),
    (r"(?<!longer )(?<!was )[Hh]eld for you", lambda case: case.is_held and case.is_student and not case.time_is_free),
    (r"Held for \w+, \w+", lambda case: case.is_held and not case.time_is_free),
    (r"Pay to confirm your session", lambda case: case.is_held and case.is_student and case.is_unpaid),
    (r"no longer held for you", lambda case: not case.is_held and case.is_student),
    # Who is told
    (r"Confirmation is on its way to", lambda case: case.messages(Kind.SESSION_SCHEDULED) == 1 and case.is_agreed),
    (r"News of a payment that could not be used is on its way to",
     lambda case: case.messages(Kind.NOT_CONFIRMED) == 1),
    (r"Reminder goes out to", lambda case: case.reminder_waits),
    (r"You get a reminder by e-mail 24 hours before", lambda case: case.reminder_waits),
    (r"The invitation is attached", lambda case: case.attachments > 0),
    (r"You are both booked, and each of you gets the confirmation by e-mail",
     lambda case: case.is_agreed and case.messages(Kind.SESSION_SCHEDULED, readers=2) == 2),
    (r"\w+ can pay until .* the time is kept until then",
     lambda case: case.is_held and not case.time_is_free),
    # The time
    (r"The time goes back to \w+’s calendar",
     lambda case: not why_not_cancel(case.booking, case.booking.student, case.now)),
    (r"(Cancelled|Declined)\. The time is open again",
     lambda case: case.is_(Status.CANCELLED, Status.DECLINED) and case.time_is_free),
    (r"so that .* can offer the time to others",
     lambda case: case.is_agreed and case.booking.is_free and case.is_student),
    # Money
    (r"This session is free: cancelling costs nothing", lambda case: case.booking.is_free),
    (r"Nothing has been charged, so cancelling costs nothing",
     lambda case: not case.booking.is_free and case.is_unpaid),
    (r"should a payment of yours still come in, all of it goes back by itself", lambda case: case.is_held),
    (r"(?<!othing )comes back(; after that| if you cancel now)",
     lambda case: case.is_agreed and case.came_in and case.now < case.booking.starts_at),
    (r"goes back to the way you paid", lambda case: case.refunds(*GOING_BACK)),
    (r"Nothing comes back, as the page said",
     lambda case: case.is_(Status.CANCELLED) and not case.refunds(*GOING_BACK)),
    (r"after that nothing comes back\.", lambda case: not case.booking.is_free and not case.is_(Status.CANCELLED)),
    (r"Refund on its way", lambda case: case.refunds(*ON_ITS_WAY)),
    (r"on its way back", lambda case: case.refunds(*ON_ITS_WAY)),
    (r"All of it is on its way back to you", lambda case: case.refunds(*GOING_BACK)),
    (r"The student gets all of it back", lambda case: case.refunds(*GOING_BACK)),
    (r"[Rr]efunded:? ₹", lambda case: case.refunds(RefundStatus.SUCCEEDED)),
    (r"[Rr]efund failed\b", lambda case: case.refunds(RefundStatus.FAILED)),
    (r"We are on it; you need do nothing", lambda case: case.refunds(RefundStatus.FAILED)),
    (r"Nothing (is|was) charged(?! before)", lambda case: case.is_unpaid),
    (r"[Nn]othing charged", lambda case: case.is_unpaid),
    (r"[Pp]aid after approval", lambda case: case.is_asked and not case.booking.is_free),
    (r"Should a payment of yours still arrive", lambda case: not case.is_held and case.is_student),
    (r"Download Receipt", lambda case: case.came_in and case.role != "mentor"),
]
# fmt: on

# A sentence with one of these promises something.
PROMISING = re.compile(
    r"\b(will|told|on its way|(?:goes|comes) (?:back|out|on)|opens|room is|is (?:kept|held)|by itself|gets?|sent"
    r"|reminder|as soon as|we write)\b",
    re.I,
)
# They promise nothing, though they sound so.
PLAIN = [
    r"What comes back",  # a heading or a hint
    r"Simulate|test payment",
    r"We can’t tell what your page showed",
]


@contextmanager
def rolled_back() -> Iterator[None]:
    """Each state starts from the same people."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class Stage:
    """Bookings in every state, each made as people make it."""

    def __init__(self, mentor: Mentor, student: User) -> None:
        self.mentor, self.student = mentor, student
        self.types = {
            (free, asks): factories.SessionTypeFactory(
                mentor=mentor, price_minor=0 if free else 100_000, requires_approval=asks
            )
            for free in (True, False)
            for asks in (True, False)
        }

    def booked(self, *, free: bool, asks: bool = False, at: datetime = NOW) -> Booking:
        return book(
            student=self.student,
            session_type=self.types[free, asks],
            duration_minutes=60,
            starts_at=START,
            now=at,
        )

    def accepted(self, *, free: bool) -> Booking:
        return accept(self.booked(free=free, asks=True).pk, actor=self.mentor.user, now=timezone.now())

    def paying(self, outcome: mock.Outcome) -> Booking:
        booking = self.booked(free=False)
        payment = open_checkout(
            booking.pk, "mock", now=timezone.now(), urls=ReturnUrls(success="/", cancel="/")
        )
        mock.simulate(payment.provider_ref, outcome)
        settle(payment.pk, source="test", now=timezone.now())
        return booking

    def cancelled(self, booking: Booking, *, at: datetime | None = None) -> Booking:
        return cancel(booking.pk, actor=self.student, now=at or timezone.now())

    def sent_back(self, booking: Booking) -> Refund:
        self.cancelled(booking)
        refund = Refund.objects.get(payment__booking=booking)
        send_refund(refund.pk, now=timezone.now())
        return refund

    def came_back_to_us(self, booking: Booking) -> Booking:
        refund = self.sent_back(booking)
        MockRefund.objects.update(status="failed")
        sync_refunds(refund.payment_id, now=timezone.now())
        return booking

    def paid_too_late(self) -> Booking:
        """The time was let go before the bank said yes."""
        booking = self.booked(free=False)
        payment = open_checkout(
            booking.pk, "mock", now=timezone.now(), urls=ReturnUrls(success="/", cancel="/")
        )
        self.cancelled(booking)
        payment.refresh_from_db()
        mock.MockCheckout.objects.filter(provider_ref=payment.provider_ref).update(status="open")
        mock.simulate(payment.provider_ref, mock.Outcome.SUCCESS)
        settle(payment.pk, source="test", now=timezone.now())
        return booking


PAID, REFUSED = mock.Outcome.SUCCESS, mock.Outcome.FAILURE
# What was done at `NOW`, and when it is read about.
STATES: dict[str, tuple[Callable[[Stage], object], datetime]] = {
    "asked, free": (lambda stage: stage.booked(free=True, asks=True), NOW),
    "asked, paid": (lambda stage: stage.booked(free=False, asks=True), NOW),
    "asked, not answered in time": (lambda stage: stage.booked(free=True, asks=True), NOW + 49 * HOUR),
    "accepted, free": (lambda stage: stage.accepted(free=True), NOW),
    "accepted, paid": (lambda stage: stage.accepted(free=False), NOW),
    "declined": (
        lambda stage: decline(stage.booked(free=False, asks=True).pk, actor=stage.mentor.user, now=NOW), NOW,
    ),
    "held": (lambda stage: stage.booked(free=False), NOW),
    "held, a try refused": (lambda stage: stage.paying(REFUSED), NOW),
    "hold lapsed": (lambda stage: stage.booked(free=False), NOW + HOUR),
    "hold lapsed, a checkout opened": (lambda stage: stage.paying(REFUSED), NOW + 2 * HOUR),
    "hold expired": (lambda stage: expire(stage.booked(free=False).pk, now=NOW + HOUR), NOW + HOUR),
    "let go": (lambda stage: stage.cancelled(stage.booked(free=False)), NOW),
    "free, days ahead": (lambda stage: stage.booked(free=True), NOW),
    "free, tomorrow morning": (lambda stage: stage.booked(free=True, at=START - 20 * HOUR), START - 20 * HOUR),
    "free, room open": (lambda stage: stage.booked(free=True), START - 10 * MINUTE),
    "free, in progress": (lambda stage: stage.booked(free=True), START + 10 * MINUTE),
    "free, over": (lambda stage: stage.booked(free=True), START + HOUR),
    "free, completed": (lambda stage: complete(stage.booked(free=True).pk, now=START + HOUR), START + HOUR),
    "free, missed": (lambda stage: _missed(stage.booked(free=True)), START + DAY),
    "free, cancelled": (lambda stage: stage.cancelled(stage.booked(free=True)), NOW),
    "paid, days ahead": (lambda stage: stage.paying(PAID), NOW),
    "paid, room open": (lambda stage: stage.paying(PAID), START - 10 * MINUTE),
    "paid, in progress": (lambda stage: stage.paying(PAID), START + MINUTE),
    "paid, over": (lambda stage: stage.paying(PAID), START + HOUR),
    "paid, refund asked for": (lambda stage: stage.cancelled(stage.paying(PAID)), NOW),
    "paid, sent back": (lambda stage: stage.sent_back(stage.paying(PAID)), NOW),
    "paid, refund failed": (lambda stage: stage.came_back_to_us(stage.paying(PAID)), NOW),
    "paid, cancelled too late": (lambda stage: stage.cancelled(stage.paying(PAID), at=START - HOUR), START - HOUR),
    "paid after it was let go": (lambda stage: stage.paid_too_late(), NOW),
}  # fmt: skip

SESSION = ("/sessions/{}/", "/sessions/{}/join/")
PATHS = {
    "student": (
        *SESSION, "/sessions/{}/confirmation/", "/sessions/{}/cancellation/", "/sessions/{}/payment/",
        "/sessions/{}/payment/failed/", "/my-sessions/?show=all", "/payments/",
    ),
    "mentor": (*SESSION, "/sessions/{}/cancellation/", "/dashboard/", "/dashboard/sessions/?show=all"),
    "staff": SESSION,
}  # fmt: skip
# Which of the states somebody presses something in, who, and what.
PRESSES = [
    ("asked, free", "mentor", "accept/"),
    ("asked, paid", "mentor", "accept/"),
    ("accepted, paid", "mentor", "accept/"),
    ("asked, paid", "mentor", "decline/"),
    ("free, days ahead", "student", "cancellation/"),
    ("held", "student", "cancellation/"),
    ("asked, paid", "student", "cancellation/"),
    ("paid, days ahead", "student", "cancellation/"),
    ("paid, room open", "student", "cancellation/"),
]


def _missed(booking: Booking) -> None:
    Booking.objects.filter(pk=booking.pk).update(status=Status.NO_SHOW)


@pytest.fixture
def stage(mentor: Mentor, student: User) -> Stage:
    return Stage(mentor, student)


@pytest.fixture
def readers(stage: Stage, staff: User) -> dict[str, User]:
    return {"student": stage.student, "mentor": stage.mentor.user, "staff": staff}


def session(stage: Stage, state: str) -> tuple[Booking, datetime]:
    make, at = STATES[state]
    with time_machine.travel(NOW, tick=False):
        make(stage)
    return Booking.objects.with_people().get(), at


def pages(booking: Booking, role: str, reader: User) -> Iterator[tuple[str, str]]:
    client = Client()
    client.force_login(reader)
    for path in PATHS[role]:
        response = client.get(path.format(booking.reference))
        if response.status_code in (200, 409):
            yield path, main(response.content.decode())


def main(html: str) -> str:
    return str(Words(html[html.index("<main") : html.index("</main>")]))


def broken(words: str, case: Case, where: str, kept: set[str]) -> list[str]:
    """The promises of the table that must not stand there; those that may are added to `kept`."""
    wrong = []
    for sentence, holds in PROMISES:
        if re.search(sentence, words):
            kept.add(sentence)
            if not holds(case):
                wrong.append(f"{where}, {case.role}: {sentence}")
    return wrong


def unknown(words: str, where: str) -> list[str]:
    """Sentences that promise something and are not in the table."""
    known = [*(sentence for sentence, _ in PROMISES), *PLAIN]
    return [
        f"{where}: not in the table: {each}"
        for each in re.split(r"(?<=[.!?]) ", words)
        if PROMISING.search(each) and not any(re.search(one, each) for one in known)
    ]


def read_everything(stage: Stage, readers: dict[str, User], state: str, kept: set[str]) -> list[str]:
    booking, at = session(stage, state)
    wrong = []
    with time_machine.travel(at, tick=False):
        for role, reader in readers.items():
            for path, words in pages(booking, role, reader):
                wrong += broken(words, Case(booking, role, reader), f"{state}: {path}", kept)
                if path.startswith("/sessions/") and "payment" not in path:
                    wrong += unknown(words, f"{state}: {path}")
        for message in Message.objects.due(at).with_session():
            role = "student" if message.recipient_id == booking.student_id else "mentor"
            mail = compose(message, now=at)
            case = Case(booking, role, message.recipient, message, len(mail.attachments))
            if message.applies_at(at):
                wrong += broken(" ".join(str(mail.body).split()), case, f"{state}: {message.kind}", kept)
    return wrong


def press_and_read(
    stage: Stage, readers: dict[str, User], press: tuple[str, str, str], kept: set[str]
) -> list[str]:
    state, role, target = press
    booking, at = session(stage, state)
    client = Client()
    with time_machine.travel(at, tick=False):
        client.force_login(readers[role])
        url = f"/sessions/{booking.reference}/{target}"
        fields = {}
        if target == "cancellation/":
            fields = {"quoted": client.get(url).context["terms"].token}
        answer = client.post(url, fields, follow=True)
        assert answer.redirect_chain
        case = Case(Booking.objects.with_people().get(), role, readers[role])
        words, where = main(answer.content.decode()), f"{state}: {target}"
        return broken(words, case, where, kept) + unknown(words, where)


def test_no_page_or_mail_promises_what_is_not_so(stage: Stage, readers: dict[str, User]) -> None:
    wrong: list[str] = []
    kept: set[str] = set()
    for state in STATES:
        with rolled_back():
            wrong += read_everything(stage, readers, state, kept)
    for press in PRESSES:
        with rolled_back():
            wrong += press_and_read(stage, readers, press, kept)
    assert not wrong, "\n".join(sorted(set(wrong)))
    assert {sentence for sentence, _ in PROMISES} - kept == set(), "no page says these any more"
