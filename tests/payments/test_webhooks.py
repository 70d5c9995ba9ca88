"""The two addresses where providers tell us what happened, the rows they leave, and who takes them up."""

import json
import logging
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings.models import Status
from lib import deadline
from payments import services, tasks
from payments.gateways.base import GatewayUnavailable
from payments.models import PaymentStatus, WebhookEvent
from payments.services import webhooks
from payments.views.webhooks import FORGED_A_MINUTE
from tests.factories import NOW
from tests.payments.test_cases import booked_letter, fresh, writing

pytestmark = [pytest.mark.django_db, writing]


@pytest.fixture
def payment(world, booking):
    return world.open(booking)


@pytest.fixture
def letter(world, payment):
    """Of a checkout that is paid."""
    world.pay(payment.provider_ref)
    return booked_letter(world)


@pytest.fixture
def woken(monkeypatch) -> list[int]:
    """Events that were handed to a worker: the broker stands outside."""
    found: list[int] = []
    monkeypatch.setattr(
        tasks.process_webhook_event, "apply_async", lambda args, *_, **__: found.append(args[0])
    )
    return found


@pytest.fixture
def event(world, letter) -> WebhookEvent:
    """Stored, and not acted on yet."""
    parsed = world.bench.gateway.parse_webhook(letter.body, letter.headers)
    stored = services.store_event(world.name, parsed, now=NOW)
    assert stored
    return stored


def test_webhook_needs_no_session_no_token_and_no_slash(world, letter, booking):
    address = reverse(f"webhook_{world.name}").rstrip("/")
    client = Client(enforce_csrf_checks=True)
    answer = client.post(address, letter.body, "application/json", headers=letter.headers)
    assert (answer.status_code, answer.content, answer.cookies) == (200, b"", {})
    assert fresh(booking).status == Status.SCHEDULED


def test_webhook_is_never_redirected_to_https(world, letter, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert world.deliver(letter) == 200


def test_webhook_of_an_unreasonable_size_is_not_read(world, letter):
    assert world.deliver(world.sign(b" " * (512 * 1024 + 1))) == 413
    assert not WebhookEvent.objects.exists()


def test_webhook_without_its_signature_is_refused(world, letter):
    assert world.deliver(type(letter)("", letter.body, {})) == 400
    assert world.deliver(world.sign(letter.body, "another secret")) == 400
    assert world.deliver(type(letter)("", letter.body + b" ", letter.headers)) == 400
    assert not WebhookEvent.objects.exists()


def test_webhook_of_a_provider_that_is_not_set_up_is_refused(world, letter, settings):
    for name in ("STRIPE_SECRET_KEY", "RAZORPAY_KEY_ID"):
        setattr(settings, name, "")
    settings.STRIPE_WEBHOOK_SECRETS = settings.RAZORPAY_WEBHOOK_SECRETS = []
    assert world.deliver(letter) == 400


def test_stored_event_says_what_happened_and_nothing_of_who(world, letter):
    world.deliver(letter)
    stored = WebhookEvent.objects.get()
    assert (stored.gateway, stored.type, stored.kind) == (world.name, letter.type, "payment")
    kept = json.dumps(stored.body)
    assert stored.order.reference in kept
    for secret in ("arjun@example.com", "9000090000", "last4", "card_", "client_secret", "Arjun"):
        assert secret not in kept
        assert secret not in stored.error


def test_slow_provider_holds_the_answer_for_less_than_three_seconds(
    world, letter, woken, booking, django_capture_on_commit_callbacks
):
    world.slow_down(8)
    began = time.perf_counter()
    with django_capture_on_commit_callbacks(execute=True):
        assert world.deliver(letter) == 200
    assert time.perf_counter() - began < 3
    stored = WebhookEvent.objects.get()
    assert (stored.processed_at, woken) == (None, [stored.pk])
    world.recover()
    tasks.process_webhook_event(stored.pk, added_later=1)
    assert fresh(stored).processed_at
    assert fresh(booking).status == Status.SCHEDULED


def test_event_that_is_done_wakes_nobody(world, letter, woken, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        world.deliver(letter)
        world.deliver(letter)
    assert woken == []


def test_event_is_claimed_by_one(world, event):
    WebhookEvent.objects.filter(pk=event.pk).update(due_at=NOW + timedelta(minutes=1))
    assert not services.process_webhook_event(event.pk, now=NOW)
    assert fresh(event).attempts == 0


def test_event_whose_worker_died_is_taken_up_by_the_sweep(world, event):
    claimed = WebhookEvent.objects.filter(pk=event.pk)
    claimed.update(attempts=1, due_at=NOW + timedelta(minutes=1))
    services.sweep(NOW + timedelta(seconds=30))
    assert fresh(event).processed_at is None
    services.sweep(NOW + timedelta(minutes=1))
    assert fresh(event).processed_at


def test_event_is_tried_less_and_less_often_and_then_given_up_loudly(world, event, caplog, monkeypatch):
    world.break_down()
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


def test_event_that_was_given_up_is_tried_again_by_staff(world, event, client, staff):
    WebhookEvent.objects.filter(pk=event.pk).update(attempts=12, gave_up_at=NOW, error="It was down.")
    client.force_login(staff)
    listed = reverse("admin:payments_webhookevent_changelist")
    assert event.event_id in client.get(listed, {"state": "given_up"}).content.decode()
    assert event.event_id not in client.get(listed, {"state": "done"}).content.decode()
    data = {"action": "process_again", "_selected_action": event.pk}
    assert "done" in client.post(listed, data, follow=True).content.decode()
    assert fresh(event).processed_at
    assert event.order.status == PaymentStatus.SUCCEEDED


def test_event_is_looked_at_in_admin_and_not_changed(world, event, client, staff):
    client.force_login(staff)
    address = reverse("admin:payments_webhookevent_change", args=[event.pk])
    shown = client.get(address).content.decode()
    assert event.event_id in shown
    assert "<textarea" not in shown
    assert client.get(reverse("admin:payments_webhookevent_add")).status_code == 403


@pytest.mark.parametrize("spent", [False, True])
def test_hurry_bounds_what_is_asked_and_ends(world, payment, spent):
    with deadline.within(0 if spent else 2):
        if spent:
            with pytest.raises(GatewayUnavailable, match="no time"):
                world.bench.gateway.fetch(payment.provider_ref)
        else:
            assert world.bench.gateway.fetch(payment.provider_ref).provider_ref == payment.provider_ref
    assert world.bench.gateway.fetch(payment.provider_ref)


def test_unknown_things_in_a_body_are_not_kept(world):
    body = {
        "id": "evt_1",
        "card": {"id": 1},
        "notes": {"payment": "ORDER-1", "mood": "x"},
        "amount": {"a": 1},
    }
    assert services.webhooks.kept(body) == {"id": "evt_1", "notes": {"payment": "ORDER-1"}}


def test_sweep_takes_up_every_event_even_when_one_breaks(world, event, monkeypatch):
    other = services.store_event(
        world.name,
        world.bench.gateway.parse_webhook(*reversed_args(world)),
        now=timezone.now() - timedelta(minutes=1),
    )
    calls = []

    def act(each, now, plain=webhooks._act):
        calls.append(each.pk)
        if each.pk == min(event.pk, other.pk):
            raise RuntimeError("broken")
        return plain(each, now)

    monkeypatch.setattr(webhooks, "_act", act)
    services.sweep(timezone.now())
    assert sorted(calls) == sorted([event.pk, other.pk])
    assert WebhookEvent.objects.unprocessed().get().error == "RuntimeError"


def reversed_args(world):
    letter = next(each for each in world.letters() if each != booked_letter(world))
    return letter.body, letter.headers


def test_a_flood_of_forged_events_is_refused_while_a_signed_one_is_taken(
    world, letter, booking, client, caplog
):
    address = reverse(f"webhook_{world.name}")
    with caplog.at_level(logging.WARNING):
        answers = [client.post(address, b"{}", "application/json") for _ in range(FORGED_A_MINUTE + 20)]
    assert [each.status_code for each in answers] == [400] * FORGED_A_MINUTE + [429] * 20
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
    assert len([each for each in caplog.records if each.message == "webhook refused"]) == FORGED_A_MINUTE
    signed = client.post(address, letter.body, "application/json", headers=letter.headers)
    assert signed.status_code == 200
    assert fresh(booking).status == Status.SCHEDULED


def test_signed_events_are_not_counted(world, letter, client):
    address = reverse(f"webhook_{world.name}")
    for _ in range(FORGED_A_MINUTE + 1):
        answer = client.post(address, letter.body, "application/json", headers=letter.headers)
        assert answer.status_code == 200
