"""The books of the sweeps: what fails is counted until it succeeds, and none runs twice at once."""

from datetime import datetime, timedelta

import pytest
from celery import current_app
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from bookings import signals
from bookings import tasks as booking_tasks
from config import sweeps, tasks
from config.models import FailingRow, Sweep
from lib.sweeping import Row, Swept, alone
from payments.models import WebhookEvent
from payments.services import forget_old_events
from tests.factories import NOW, BookingFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=1)
ROW = Row("SESSION-7KQ2M9XA", "bookings.booking", 7)
BAD = Swept("bookings.expire", failed={ROW: LookupError("it is odd")})
GOOD = Swept("bookings.expire", done=[ROW])


def noted():
    return FailingRow.objects.values_list("row", "count", "error", "first_at", "last_at", "resolved_at").get()


def test_failing_row_is_counted_until_it_succeeds():
    sweeps.note(BAD, now=NOW)
    sweeps.note(BAD, now=LATER)
    assert noted() == (ROW.label, 2, "LookupError: it is odd", NOW, LATER, None)
    sweeps.note(GOOD, now=LATER)
    assert noted() == (ROW.label, 2, "LookupError: it is odd", NOW, LATER, LATER)


def test_failing_row_is_counted_anew_when_it_fails_again_after_it_was_resolved():
    sweeps.note(BAD, now=NOW)
    sweeps.note(GOOD, now=NOW)
    sweeps.note(BAD, now=LATER)
    assert noted() == (ROW.label, 1, "LookupError: it is odd", LATER, LATER, None)


def test_failing_row_is_resolved_by_its_own_sweep_alone():
    sweeps.note(BAD, now=NOW)
    sweeps.note(Swept("bookings.complete", done=[ROW]), now=LATER)
    assert FailingRow.objects.open().exists()


def test_failing_row_keeps_no_secret(settings):
    settings.STRIPE_SECRET_KEY = "sk_test_do_not_tell"
    error = RuntimeError(f"{'x' * 290} sk_test_do_not_tell and 4242 4242 4242 4242")
    sweeps.note(Swept("payments.settle", failed={ROW: error}), now=NOW)
    assert "sk_" not in FailingRow.objects.get().error
    assert "4242" not in FailingRow.objects.get().error


def test_no_more_than_some_are_noted_when_everything_fails(monkeypatch):
    monkeypatch.setattr(sweeps, "MOST_NOTED", 2)
    sweeps.note(Swept("payments.settle", failed={Row(str(n)): KeyError(n) for n in range(5)}), now=NOW)
    assert FailingRow.objects.count() == 2


def test_session_that_can_not_be_ended_is_noted_with_its_reference():
    booking = BookingFactory(starts_at=NOW - timedelta(hours=2))

    def fail(**_):
        raise LookupError("a receiver's own trouble")

    signals.booking_completed.connect(fail)
    try:
        booking_tasks.sweep()
    finally:
        signals.booking_completed.disconnect(fail)
    row = FailingRow.objects.get()
    assert (row.sweep, row.row, row.model, row.object_id) == (
        "bookings.complete",
        booking.reference,
        "bookings.booking",
        booking.pk,
    )
    booking_tasks.sweep()
    assert not FailingRow.objects.open().exists()


@pytest.fixture
def task():
    """One that runs alone, until when it was held each time, and what it fails with."""
    ran: list[datetime] = []
    trouble: list[Exception] = []

    @alone(time_limit=60)
    def one_at_a_time() -> None:
        ran.append(Sweep.objects.get().held_until)
        if trouble:
            raise trouble[0]

    yield one_at_a_time, ran, trouble
    current_app.tasks.pop(one_at_a_time.name)


def held_by_another(name, until):
    Sweep.objects.create(name=name, holder="another worker", held_until=until)


def test_sweep_is_left_out_while_another_worker_is_at_it(task):
    run, ran, _ = task
    held_by_another(run.name, timezone.now() + timedelta(seconds=5))
    run()
    assert ran == []


def test_sweep_goes_on_when_the_worker_that_had_it_was_killed(task):
    run, ran, _ = task
    held_by_another(run.name, timezone.now())
    run()
    assert len(ran) == 1
    sweep = Sweep.objects.get()
    assert sweep.holder == ""
    assert sweep.held_until <= timezone.now()
    assert sweep.finished_at is not None


def test_message_that_comes_again_takes_up_its_own_sweep(task):
    run, ran, _ = task
    Sweep.objects.create(name=run.name, holder="message-1", held_until=timezone.now() + timedelta(minutes=1))
    run.apply(task_id="message-2", throw=True)
    assert ran == []
    run.apply(task_id="message-1", throw=True)
    assert len(ran) == 1


def test_hold_of_a_sweep_lasts_longer_than_the_sweep_may(task):
    run, ran, _ = task
    began = timezone.now()
    run()
    assert ran[0] - began > timedelta(seconds=60)


def test_sweep_that_fails_as_a_whole_is_noted_and_the_next_may_run(task):
    run, ran, trouble = task
    trouble.append(LookupError("no such table"))
    with pytest.raises(LookupError):
        run()
    assert FailingRow.objects.values_list("sweep", "row", "resolved_at").get() == (
        run.name,
        sweeps.WHOLE,
        None,
    )
    assert Sweep.objects.get().finished_at is None
    trouble.clear()
    run()
    assert len(ran) == 2
    assert not FailingRow.objects.open().exists()


def test_tidy_forgets_sessions_that_have_ended_and_no_other():
    for key, days in (("ended", -1), ("lives", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=timezone.now() + timedelta(days=days)
        )
    tasks.tidy(added_later=1)
    assert Session.objects.get().session_key == "lives"


def test_tidy_resolves_what_was_not_met_again_and_forgets_it_later():
    sweeps.note(BAD, now=NOW)
    sweeps.tidy(NOW + timedelta(days=1))
    assert FailingRow.objects.open().exists()
    sweeps.tidy(NOW + sweeps.NOT_MET_FOR)
    assert FailingRow.objects.get().resolved_at == NOW + sweeps.NOT_MET_FOR
    sweeps.tidy(NOW + sweeps.NOT_MET_FOR + sweeps.KEPT_FOR)
    assert not FailingRow.objects.exists()


@pytest.mark.parametrize(
    ("state", "stays"),
    [
        ({"processed_at": NOW - timedelta(days=91)}, False),
        ({"processed_at": NOW - timedelta(days=89)}, True),
        ({"gave_up_at": NOW - timedelta(days=200)}, True),
        ({}, True),
    ],
)
def test_events_that_were_done_long_ago_are_forgotten(state, stays):
    long_ago = NOW - timedelta(days=200)
    WebhookEvent.objects.create(
        gateway="stripe",
        event_id="evt_1",
        type="x",
        kind="payment",
        received_at=long_ago,
        due_at=long_ago,
        **state,
    )
    forget_old_events(NOW)
    assert WebhookEvent.objects.exists() == stays


LIST = "admin:config_failingrow_changelist"


@pytest.fixture
def failing(mentor):
    booking = BookingFactory(mentor=mentor)
    row = Row(booking.reference, "bookings.booking", booking.pk)
    sweeps.note(Swept("bookings.expire", failed={row: LookupError("it is odd")}), now=NOW)
    return FailingRow.objects.get()


def test_staff_see_what_fails_and_open_its_page(client, staff, failing):
    client.force_login(staff)
    shown = client.get(reverse(LIST), {"state": "open"}).content.decode()
    assert failing.row in shown
    assert "LookupError: it is odd" in shown
    assert reverse("admin:bookings_booking_change", args=[failing.object_id]) in shown
    assert failing.row not in client.get(reverse(LIST), {"state": "resolved"}).content.decode()


def test_staff_see_what_is_no_row_of_ours_without_a_link(client, staff):
    sweeps.note(Swept("payments.reconcile", failed={Row("Stripe cs_1"): KeyError(1)}), now=NOW)
    client.force_login(staff)
    assert "Stripe cs_1" in client.get(reverse(LIST)).content.decode()


def test_staff_mark_a_row_as_resolved(client, staff, failing):
    client.force_login(staff)
    client.post(reverse(LIST), {"action": "resolve", "_selected_action": [failing.pk]})
    assert not FailingRow.objects.open().exists()


def test_failing_rows_are_written_by_sweeps_alone(client, staff, failing):
    client.force_login(staff)
    page = reverse("admin:config_failingrow_change", args=[failing.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, {"count": 0}).status_code == 403
    assert client.get(reverse("admin:config_failingrow_add")).status_code == 403
    assert client.post(reverse("admin:config_failingrow_delete", args=[failing.pk])).status_code == 403


def test_staff_see_when_each_sweep_last_went_through(client, staff):
    booking_tasks.sweep()
    client.force_login(staff)
    assert "bookings.tasks.sweep" in client.get(reverse("admin:config_sweep_changelist")).content.decode()


@pytest.mark.parametrize("page", [LIST, "admin:config_sweep_changelist"])
def test_sweeps_are_shown_to_staff_alone(client, student, page):
    assert client.get(reverse(page)).status_code == 302
    client.force_login(student)
    assert client.get(reverse(page), follow=True).status_code == 403
