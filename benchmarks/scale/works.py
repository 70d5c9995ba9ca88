"""What changes a session or its money, and what workers do: services and tasks."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from benchmarks.scale.sizes import DUE
from benchmarks.scale.subjects import Subject, Work
from benchmarks.scale.world import World
from bookings import services as bookings
from bookings.cancellation import RefundChoice
from bookings.models import Booking, KeptOpenings, Status
from mentors.models import Mentor
from notifications import services as notifications
from notifications.models import Message
from notifications.models import Status as MessageStatus
from payments import services as payments
from payments.gateways import mock
from payments.models import Payment, PaymentStatus, Refund, RefundStatus, WebhookEvent
from payments.reports.earnings import totals_of
from payments.services.payouts import record_payout
from payments.services.reconciliation import DAYS


def tasks() -> dict[str, Any]:
    """The site's own, by name."""
    current_app.loader.import_default_modules()
    return {name: task for name, task in current_app.tasks.items() if not name.startswith("celery.")}


def task_subjects() -> Iterator[Subject]:
    """A task that the schedule asks for every minute is measured as such."""
    given: dict[str, Callable[[World], tuple[object, ...]]] = {
        "notifications.tasks.deliver": _pk_of(_due_message),
        "payments.tasks.send_refund": _pk_of(_due_refund),
        "payments.tasks.process_webhook_event": _pk_of(_due_event),
        "payments.tasks.close_checkout": _pk_of(_lapsed_payment),
        "bookings.tasks.refresh_openings": _with_due_openings,
    }
    per = {
        "payments.tasks.audit_money": lambda world: Payment.objects.count(),
        "payments.tasks.reconcile": lambda world: _payments_of_late(),
        "mentors.tasks.keep_figures": lambda world: Mentor.objects.count(),
    }
    for name in (
        *("bookings.tasks.sweep", "payments.tasks.sweep", "notifications.tasks.deliver_due"),
        *(
            "payments.tasks.reconcile",
            "payments.tasks.audit_money",
            "payments.tasks.clean_up_closed_accounts",
        ),
        *(
            "mentors.tasks.keep_figures",
            "payments.tasks.forget_old_events",
            "config.tasks.tidy",
            "config.tasks.heartbeat",
            *given,
        ),
    ):
        yield Subject(
            f"task: {name}",
            name,
            partial(_task, name, given.get(name, lambda world: ())),
            is_every_minute=name in every_minute(),
            per=per.get(name),
        )


def every_minute() -> set[str]:
    entries = settings.CELERY_BEAT_SCHEDULE.values()
    return {str(entry["task"]) for entry in entries if entry["schedule"] == settings.EVERY_MINUTE}


def _task(name: str, given: Callable[[World], tuple[object, ...]], world: World) -> Work:
    return partial(tasks()[name], *given(world))


def _with_due_openings(world: World) -> tuple[object, ...]:
    first = KeptOpenings.objects.order_by("pk")[:DUE].values_list("pk", flat=True)
    KeptOpenings.objects.filter(pk__in=list(first)).update(due_at=timezone.now())
    return ()


def _pk_of(find: Callable[[], Any]) -> Callable[[World], tuple[object, ...]]:
    return lambda world: (find().pk,)


def _due_message() -> Any:
    return Message.objects.filter(status=MessageStatus.QUEUED).order_by("due_at").first()


def _due_refund() -> Any:
    return Refund.objects.filter(status=RefundStatus.REQUESTED).order_by("due_at").first()


def _due_event() -> Any:
    return WebhookEvent.objects.due(timezone.now()).order_by("due_at").first()


def _lapsed_payment() -> Any:
    waiting = Payment.objects.filter(status=PaymentStatus.OPEN)
    return waiting.filter(booking__hold_expires_at__lte=timezone.now()).order_by("pk").first()


def _payments_of_late() -> int:
    since = timezone.now() - timedelta(days=DAYS)
    return Payment.objects.filter(created_at__gte=since).exclude(provider_ref="").count()


def service_subjects() -> Iterator[Subject]:
    for prepare in (
        *(book_free, book_paid, accept, confirm, cancel_free, cancel_paid, cancel_by_staff, join),
        *(settle, settle_repeated, webhook, refund_by_staff, payout, review, resend),
    ):
        yield Subject(f"service: {prepare.__name__}", prepare.__name__, prepare)


def book_free(world: World) -> Work:
    return _book(world, "interview")


def book_paid(world: World) -> Work:
    return _book(world, "resume")


def _book(world: World, slug: str) -> Work:
    session_type = world.types[slug]
    starts_at = world.free_start(session_type)
    return lambda: bookings.book(
        student=world.student,
        session_type=session_type,
        duration_minutes=60,
        starts_at=starts_at,
        now=timezone.now(),
    )


def accept(world: World) -> Work:
    requested = world.sessions["requested"].pk
    return lambda: bookings.accept(requested, actor=world.mentor.user, now=timezone.now())


def confirm(world: World) -> Work:
    held = world.sessions["held"].pk

    def work() -> None:
        with transaction.atomic():
            bookings.lock_booking(held)
            bookings.confirm(held, now=timezone.now())

    return work


def cancel_free(world: World) -> Work:
    return _cancel(world, "free")


def cancel_paid(world: World) -> Work:
    return _cancel(world, "paid")


def _cancel(world: World, name: str) -> Work:
    booking = world.sessions[name]
    return lambda: bookings.cancel(booking.pk, actor=booking.student, now=timezone.now())


def cancel_by_staff(world: World) -> Work:
    return lambda: bookings.cancel_by_staff(
        world.sessions["paid"].pk,
        actor=world.staff,
        now=timezone.now(),
        reason="Measured",
        give_back=RefundChoice.ALL,
    )


def join(world: World) -> Work:
    """The session is moved to where its room is open."""
    booking = world.sessions["paid"]
    soon = timezone.now() + timedelta(minutes=5)

    def work() -> None:
        Booking.objects.filter(pk=booking.pk).update(starts_at=soon, ends_at=soon + timedelta(hours=1))
        bookings.join(booking.pk, actor=booking.student, now=timezone.now())

    return work


def settle(world: World) -> Work:
    """Paid at the provider, and not known here yet."""
    payment = world.sessions["held"].payments.get()

    def work() -> None:
        mock.simulate(payment.provider_ref, mock.Outcome.SUCCESS)
        settled = payments.settle(payment.pk, source="scale", now=timezone.now())
        assert settled.status == PaymentStatus.SUCCEEDED, settled.status

    return work


def settle_repeated(world: World) -> Work:
    payment = world.sessions["paid"].payments.get()
    return lambda: payments.settle(payment.pk, source="scale", now=timezone.now())


def webhook(world: World) -> Work:
    """The news of a payment of ours, as it comes in and is acted on."""
    payment = world.sessions["held"].payments.get()

    def work() -> None:
        mock.simulate(payment.provider_ref, mock.Outcome.SUCCESS)
        event = WebhookEvent.objects.create(
            gateway="mock",
            event_id="EVENT-NEW",
            type="paid",
            kind=WebhookEvent.Kind.PAYMENT,
            provider_ref=payment.provider_ref,
            received_at=timezone.now(),
            due_at=timezone.now(),
        )
        assert payments.process_webhook_event(event.pk, now=timezone.now())

    return work


def refund_by_staff(world: World) -> Work:
    payment = world.sessions["paid"].payments.get()
    return lambda: payments.refund_by_staff(
        payment.pk,
        amount_minor=100,
        seen_refunds=0,
        actor=world.staff,
        note="Measured",
        now=timezone.now(),
    )


def payout(world: World) -> Work:
    mentor = Mentor.objects.get(pk=world.mentor.pk)
    due = totals_of(world.mentor.user, timezone.now())[0]
    return lambda: record_payout(
        mentor=mentor,
        currency=due.currency,
        amount_minor=due.available,
        transfer_reference="NEFT-SCALE",
        actor=world.staff,
        now=timezone.now(),
    )


def review(world: World) -> Work:
    booking = world.sessions["past"]
    assert booking.status == Status.COMPLETED

    def work() -> None:
        with transaction.atomic():
            bookings.record_review(booking, rating=5, words="Good.", now=timezone.now())

    return work


def resend(world: World) -> Work:
    message = world.sessions["paid"].messages.filter(status=MessageStatus.SENT).order_by("pk").first()
    assert message is not None
    return lambda: notifications.resend(message.pk, now=timezone.now())
