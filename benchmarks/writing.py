"""What writing costs: `book()` and `settle()` next to bare transactions of the same rows under the same locks."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from benchmarks.timing import compare, say
from bookings.models import Booking, BookingEvent, KeptOpenings, Status, TimeClaim
from bookings.services import book
from mentors.models import Mentor, SessionType, WeeklyHours
from notifications.models import Kind, Message
from payments import services
from payments.gateways import mock
from payments.models import Payment, PaymentStatus

# Bare ones read hours and claims, and check nothing: no rule of the mentor's, no caps, no messages a day, no terms.
# To settle asks the provider, whose books are in the same database here, and looks for what came in besides.
MOST, MOST_SETTLING = 3, 4
URLS = services.ReturnUrls(success="http://localhost/paid/", cancel="http://localhost/cancelled/")


def run() -> bool:
    """Whether every target is met. Whatever is written is undone."""
    with transaction.atomic():
        student, free, paid = _people()
        now = timezone.now()
        starts_at = (now + timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)
        met = [
            _booking("book, free", student, free, starts_at, now),
            _booking("book, paid", student, paid, starts_at, now),
            _settling(student, paid, starts_at, now),
        ]
        transaction.set_rollback(True)
    return all(met)


def _people() -> tuple[User, SessionType, SessionType]:
    long_ago = timezone.now() - timedelta(days=60)
    student = User.objects.create(email="writes@example.com", name="Student", date_joined=long_ago)
    user = User.objects.create(email="written@example.com", name="Mentor", is_mentor=True)
    mentor = Mentor.objects.create(
        user=user,
        slug="written",
        status=Mentor.Status.APPROVED,
        headline="Measured",
        bio="Measured",
        time_zone="UTC",
        applied_at=long_ago,
        approved_at=long_ago,
    )
    for day in range(7):
        WeeklyHours.objects.create(mentor=mentor, weekday=day, starts="09:00", ends="17:00")
    free, paid = (
        SessionType.objects.create(
            mentor=mentor, slug=slug, name=slug.title(), price_minor=price, currency="INR", durations=[60]
        )
        for slug, price in (("free", 0), ("paid", 100_000))
    )
    return student, free, paid


def _undone(work: Callable[[], object]) -> Callable[[], None]:
    def once() -> None:
        with transaction.atomic():
            work()
            transaction.set_rollback(True)

    return once


def _booking(name: str, student: User, session_type: SessionType, starts_at: datetime, now: datetime) -> bool:
    def ours() -> None:
        book(student=student, session_type=session_type, duration_minutes=60, starts_at=starts_at, now=now)

    cost, least = compare(_undone(ours), _undone(lambda: _write(student, session_type, starts_at, now)))
    return say(name, "against a bare transaction, the same rows", cost, least, MOST)


def _write(student: User, session_type: SessionType, starts_at: datetime, now: datetime) -> None:
    mentor, ends_at = session_type.mentor, starts_at + timedelta(hours=1)
    people = [student.pk, mentor.user_id]
    price = session_type.price_minor
    with transaction.atomic():
        list(User.objects.select_for_update(no_key=True).filter(pk__in=people).order_by("pk"))
        list(WeeklyHours.objects.filter(mentor=mentor).order_by().values_list("weekday", "starts", "ends"))
        claims = TimeClaim.objects.filter(person__in=people, starts_at__range=(now, now + timedelta(days=14)))
        list(claims.values_list("person", "starts_at", "ends_at"))
        booking = Booking.objects.create(
            mentor=mentor,
            student=student,
            session_type=session_type,
            status=Status.AWAITING_PAYMENT if price else Status.SCHEDULED,
            hold_expires_at=now + timedelta(minutes=15) if price else None,
            starts_at=starts_at,
            ends_at=ends_at,
            type_name=session_type.name,
            price_minor=price,
            fee_minor=price // 20,
            currency=session_type.currency,
            cancellation_policy=mentor.cancellation_policy,
            created_at=now,
        )
        TimeClaim.objects.bulk_create(
            TimeClaim(booking=booking, person_id=pk, starts_at=starts_at, ends_at=ends_at) for pk in people
        )
        KeptOpenings.objects.filter(mentor=mentor).update(due_at=now)
        kind = BookingEvent.Kind.HELD if price else BookingEvent.Kind.SCHEDULED
        BookingEvent.objects.create(booking=booking, kind=kind, at=now, actor=student)
        if price:
            Payment.objects.create(
                booking=booking,
                amount_minor=booking.amount_minor,
                platform_fee_minor=booking.fee_minor,
                currency=booking.currency,
                created_at=now,
            )
        else:
            _write_messages(booking, people, now)


def _write_messages(booking: Booking, people: list[int], now: datetime) -> None:
    Message.objects.bulk_create(
        Message(
            event=f"{kind}:{booking.pk}",
            kind=kind,
            recipient_id=pk,
            booking=booking,
            due_at=now,
            created_at=now,
        )
        for kind in (Kind.SESSION_SCHEDULED, Kind.REMINDER_24H)
        for pk in people
    )


def _settling(student: User, session_type: SessionType, starts_at: datetime, now: datetime) -> bool:
    """From the provider's word that it is paid to a session that stands, as the webhook's task does it."""
    booking = book(
        student=student, session_type=session_type, duration_minutes=60, starts_at=starts_at, now=now
    )
    payment = services.open_checkout(booking.pk, "mock", now=now, urls=URLS)
    mock.simulate(payment.provider_ref, mock.Outcome.SUCCESS)

    def ours() -> None:
        settled = services.settle(payment.pk, source="benchmark", now=now)
        assert settled.status == PaymentStatus.SUCCEEDED

    cost, least = compare(_undone(ours), _undone(lambda: _write_settled(payment, now)))
    return say("settle, confirm", "against a bare transaction, the same rows", cost, least, MOST_SETTLING)


def _write_settled(known: Payment, now: datetime) -> None:
    mock._checkout(known.provider_ref)
    with transaction.atomic():
        booking = Booking.objects.select_related("mentor").get(pk=known.booking_id)
        people = [booking.student_id, booking.mentor.user_id]
        list(User.objects.select_for_update(no_key=True).filter(pk__in=people).order_by("pk"))
        booking = Booking.objects.select_for_update(of=("self",)).get(pk=booking.pk)
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=known.pk)
        payment.status, payment.succeeded_at, payment.payment_id = PaymentStatus.SUCCEEDED, now, "PAY-BARE"
        payment.save(update_fields=["status", "succeeded_at", "payment_id"])
        booking.status = Status.SCHEDULED
        booking.save(update_fields=["status"])
        TimeClaim.objects.filter(booking=booking).update(expires_at=None)
        BookingEvent.objects.create(booking=booking, kind=BookingEvent.Kind.SCHEDULED, at=now)
        _write_messages(booking, people, now)
