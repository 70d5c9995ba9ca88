"""The two addresses where providers tell us what happened, the rows they leave, and who takes them up."""

import json
import logging
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings.models import Status
from lib import deadline
from payments import services, tasks
from payments.gateways.base import GatewayUnavailable
from payments.models import Payment, PaymentStatus, WebhookEvent
from payments.services import webhooks
from payments.views.webhooks import FORGED_A_MINUTE, SECONDS
from tests.broken_database import failing_statements
from tests.factories import NOW
from tests.payments.markers import with_webhooks
from tests.payments.steps import (
    assert_booked_once,
    assert_nothing_happened,
    fresh,
)

pytestmark = [pytest.mark.django_db, with_webhooks]


@pytest.fixture
def signed_event(harness, payment):
    """Of a checkout that is paid."""
    harness.pay(payment.provider_ref)
    return harness.paid_event()


@pytest.fixture
def woken(monkeypatch) -> list[int]:
    """Events that were handed to a worker: the broker stands outside."""
    found: list[int] = []
    monkeypatch.setattr(
        tasks.process_webhook_event, "apply_async", lambda args, *_, **__: found.append(args[0])
    )
    return found


@pytest.fixture
def event(harness, signed_event) -> WebhookEvent:
    """Stored, and not acted on yet."""
    parsed = harness.gateway.parse_webhook(signed_event.body, signed_event.headers)
    stored = services.store_event(harness.name, parsed, now=NOW)
    assert stored
    return stored


def test_webhook_needs_no_session_no_token_and_no_slash(harness, signed_event, booking):
    address = reverse(f"webhook_{harness.name}").rstrip("/")
    client = Client(enforce_csrf_checks=True)
    answer = client.post(address, signed_event.body, "application/json", headers=signed_event.headers)
    assert (answer.status_code, answer.content, answer.cookies) == (200, b"", {})
    assert fresh(booking).status == Status.SCHEDULED


def test_webhook_is_never_redirected_to_https(harness, signed_event, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert harness.deliver(signed_event) == 200


def test_webhook_of_an_unreasonable_size_is_not_read(harness, signed_event):
    assert harness.deliver(harness.sign(b" " * (512 * 1024 + 1))) == 413
    assert not WebhookEvent.objects.exists()


def test_webhook_without_its_signature_is_refused(harness, signed_event):
    assert harness.deliver(type(signed_event)("", signed_event.body, {})) == 400
    assert harness.deliver(harness.sign(signed_event.body, "another secret")) == 400
    assert harness.deliver(type(signed_event)("", signed_event.body + b" ", signed_event.headers)) == 400
    assert not WebhookEvent.objects.exists()


def test_webhook_of_a_provider_that_is_not_set_up_is_refused(harness, signed_event, settings):
    for name in ("STRIPE_SECRET_KEY", "RAZORPAY_KEY_ID"):
        setattr(settings, name, "")
    settings.STRIPE_WEBHOOK_SECRETS = settings.RAZORPAY_WEBHOOK_SECRETS = []
    assert harness.deliver(signed_event) == 400


def test_stored_event_says_what_happened_and_nothing_of_who(harness, signed_event):
    harness.deliver(signed_event)
    stored = WebhookEvent.objects.get()
    assert (stored.gateway, stored.type, stored.kind) == (harness.name, signed_event.type, "payment")
    kept = json.dumps(stored.body)
    assert stored.order.reference in kept
    for secret in ("arjun@example.com", "9000090000", "last4", "card_", "client_secret", "Arjun"):
        assert secret not in kept
        assert secret not in stored.error


def test_slow_provider_holds_the_answer_for_less_than_three_seconds(
    settings, harness, signed_event, woken, booking, django_capture_on_commit_callbacks
):
    assert SECONDS < 3
    settings.PROVIDER_TIMEOUT = (600, 600)
    harness.slow_down()
    with django_capture_on_commit_callbacks(execute=True):
        assert harness.deliver(signed_event) == 200  # and the provider has not answered yet
    stored = WebhookEvent.objects.get()
    assert (stored.processed_at, woken) == (None, [stored.pk])
    harness.recover()
    tasks.process_webhook_event(stored.pk, added_later=1)
    assert fresh(stored).processed_at
    assert fresh(booking).status == Status.SCHEDULED


def test_event_that_is_done_wakes_nobody(harness, signed_event, woken, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        harness.deliver(signed_event)
        harness.deliver(signed_event)
    assert woken == []


def test_event_is_claimed_by_one(harness, event):
    WebhookEvent.objects.filter(pk=event.pk).update(due_at=NOW + timedelta(minutes=1))
    assert not services.process_webhook_event(event.pk, now=NOW)
    assert fresh(event).attempts == 0


def test_event_whose_worker_died_is_taken_up_by_the_sweep(harness, event):
    claimed = WebhookEvent.objects.filter(pk=event.pk)
    claimed.update(attempts=1, due_at=NOW + timedelta(minutes=1))
    services.sweep(NOW + timedelta(seconds=30))
    assert fresh(event).processed_at is None
    services.sweep(NOW + timedelta(minutes=1))
    assert fresh(event).processed_at


def test_event_is_tried_less_and_less_often_and_then_given_up_loudly(harness, event, caplog):
    harness.break_down()
    now, waits = NOW, []
    while fresh(event).gave_up_at is None:
        services.process_webhook_event(event.pk, now=now)
        waits.append(fresh(event).due_at - now)
        now = event.due_at
    assert waits[: len(webhooks.BACKOFF)] == list(webhooks.BACKOFF)
    assert (len(waits), event.attempts) == (webhooks.MOST_ATTEMPTS, webhooks.MOST_ATTEMPTS)
    assert "event given up" in [each.message for each in caplog.records if each.levelname == "ERROR"]
    services.sweep(now + timedelta(days=1))
    assert fresh(event).attempts == webhooks.MOST_ATTEMPTS


def test_event_that_was_given_up_is_tried_again_by_staff(harness, event, client, staff):
    WebhookEvent.objects.filter(pk=event.pk).update(attempts=12, gave_up_at=NOW, error="It was down.")
    client.force_login(staff)
    listed = reverse("admin:payments_webhookevent_changelist")
    assert event.event_id in client.get(listed, {"state": "given_up"}).content.decode()
    assert event.event_id not in client.get(listed, {"state": "done"}).content.decode()
    data = {"action": "process_again", "_selected_action": event.pk}
    assert "done" in client.post(listed, data, follow=True).content.decode()
    assert fresh(event).processed_at
    assert event.order.status == PaymentStatus.SUCCEEDED


def test_event_is_looked_at_in_admin_and_not_changed(harness, event, client, staff):
    client.force_login(staff)
    address = reverse("admin:payments_webhookevent_change", args=[event.pk])
    shown = client.get(address).content.decode()
    assert event.event_id in shown
    assert "<textarea" not in shown
    assert client.get(reverse("admin:payments_webhookevent_add")).status_code == 403


@pytest.mark.parametrize("spent", [False, True])
def test_hurry_bounds_what_is_asked_and_ends(harness, payment, spent):
    with deadline.within(0 if spent else 2):
        if spent:
            with pytest.raises(GatewayUnavailable, match="no time"):
                harness.gateway.fetch(payment.provider_ref)
        else:
            assert harness.gateway.fetch(payment.provider_ref).provider_ref == payment.provider_ref
    assert harness.gateway.fetch(payment.provider_ref)


def test_unknown_things_in_a_body_are_not_kept(harness):
    body = {
        "id": "evt_1",
        "card": {"id": 1},
        "notes": {"payment": "ORDER-1", "mood": "x"},
        "amount": {"a": 1},
    }
    assert services.webhooks.kept(body) == {"id": "evt_1", "notes": {"payment": "ORDER-1"}}


def test_sweep_takes_up_every_event_even_when_one_breaks(harness, event):
    other = services.store_event(
        harness.name,
        harness.gateway.parse_webhook(*reversed_args(harness)),
        now=timezone.now() - timedelta(minutes=1),
    )
    with failing_statements("UPDATE .bookings_booking", RuntimeError("broken"), times=1):
        services.sweep(timezone.now())
    assert sorted([fresh(event).attempts, fresh(other).attempts]) == [1, 1]
    assert WebhookEvent.objects.unprocessed().get().error == "RuntimeError"


def reversed_args(harness):
    signed_event = next(each for each in harness.events() if each != harness.paid_event())
    return signed_event.body, signed_event.headers


def test_a_flood_of_forged_events_is_refused_while_a_signed_one_is_taken(
    harness, signed_event, booking, client, caplog
):
    address = reverse(f"webhook_{harness.name}")
    with caplog.at_level(logging.WARNING):
        answers = [client.post(address, b"{}", "application/json") for _ in range(FORGED_A_MINUTE + 20)]
    assert [each.status_code for each in answers] == [400] * FORGED_A_MINUTE + [429] * 20
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
    assert len([each for each in caplog.records if each.message == "webhook refused"]) == FORGED_A_MINUTE
    signed = client.post(address, signed_event.body, "application/json", headers=signed_event.headers)
    assert signed.status_code == 200
    assert fresh(booking).status == Status.SCHEDULED


def test_signed_events_are_not_counted(harness, signed_event, client):
    address = reverse(f"webhook_{harness.name}")
    for _ in range(FORGED_A_MINUTE + 1):
        answer = client.post(address, signed_event.body, "application/json", headers=signed_event.headers)
        assert answer.status_code == 200


# What goes wrong with one


def test_event_that_cannot_be_stored_is_refused_and_its_redelivery_completes_it(harness, booking, paid):
    signed_event = harness.paid_event()
    with failing_statements("INSERT INTO .payments_webhookevent", OperationalError("database is locked")):
        assert harness.deliver(signed_event) == 500
    assert not WebhookEvent.objects.exists()
    assert harness.deliver(signed_event) == 200
    assert_booked_once(booking, paid)


@pytest.mark.parametrize("by", ["redelivery", "sweep"])
def test_event_whose_provider_is_down_is_taken_and_not_done(harness, booking, paid, travel_to, by):
    signed_event = harness.paid_event()
    harness.break_down()
    assert harness.deliver(signed_event) == 200
    event = WebhookEvent.objects.get()
    assert (event.processed_at, event.attempts) == (None, 1)
    assert event.error
    assert_nothing_happened(booking)
    harness.recover()
    if by == "redelivery":
        assert harness.deliver(signed_event) == 200
    else:
        services.sweep(timezone.now())
    assert fresh(event).processed_at
    assert_booked_once(booking, paid)


def test_handler_that_breaks_midway_leaves_the_event_undone(harness, booking, paid):
    signed_event = harness.paid_event()
    with failing_statements("UPDATE .bookings_booking", OperationalError("lock timeout")):
        assert harness.deliver(signed_event) == 200
    assert WebhookEvent.objects.get().error == "OperationalError"
    assert_nothing_happened(booking)
    services.sweep(timezone.now())
    assert_booked_once(booking, paid)


# What is nothing of ours


def test_unknown_session_gets_200_and_no_effect(harness, booking, payment):
    before = Payment.objects.values().get()
    kind = {"stripe": "checkout.session.completed", "razorpay": "payment.captured"}[harness.name]
    assert harness.deliver(harness.make_event(kind, harness.unknown_entity())) == 200
    assert Payment.objects.values().get() == before
    event = WebhookEvent.objects.get()
    assert (event.order, event.error, bool(event.processed_at)) == (None, "Nothing of ours", True)


@pytest.mark.parametrize("kind", ["customer.created", "subscription.charged", "made.up"])
def test_unknown_type_gets_200_and_no_effect(harness, booking, payment, kind):
    assert harness.deliver(harness.make_event(kind, harness.unknown_entity())) == 200
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b"null", b'"event"', b"\xff\xfe", b"{}", b'{"id": 1}']
)
def test_what_is_no_event_gets_400(harness, body):
    signed_event = harness.sign(body) if body.isascii() else harness.sign(b"{}")
    assert harness.deliver(type(signed_event)("", body, signed_event.headers)) == 400
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_other_methods_get_405(harness, client, method):
    assert getattr(client, method)(reverse(f"webhook_{harness.name}")).status_code == 405
