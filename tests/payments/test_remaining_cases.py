"""What signatures are refused, who may pay for a time, and what the mock provider is held to."""

import json
import os
import subprocess
import sys
import threading

import pytest
from django.db import connection
from django.utils import timezone

from bookings.models import Booking, Status, TimeClaim
from bookings.services import SlotTaken, book
from payments.gateways import REGISTRY
from payments.models import Payment, PaymentStatus, WebhookEvent
from tests.factories import SessionTypeFactory, UserFactory
from tests.payments.conftest import STARTS_AT
from tests.payments.contract import BENCHES
from tests.payments.test_cases import (
    assert_booked_once,
    assert_nothing_happened,
    booked_letter,
    razorpay_only,
    settle,
    stripe_only,
    writing,
)
from tests.payments.worlds import WORLDS, Letter
from tests.servers import BASE_DIR

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(world, booking) -> Payment:
    return world.open(booking)


@pytest.fixture
def letter(world, payment) -> Letter:
    """What would book, if it were believed."""
    world.pay(payment.provider_ref)
    return booked_letter(world)


def assert_refused(world, booking, letter) -> None:
    assert world.deliver(letter) == 400
    assert not WebhookEvent.objects.exists()
    assert_nothing_happened(booking)


# 5


def with_signature(letter: Letter, change) -> Letter:
    headers = {
        name: change(value) if name.endswith("Signature") else value for name, value in letter.headers.items()
    }
    return Letter(letter.type, letter.body, headers)


FORGERIES = {
    "empty": lambda good: "",
    "cut": lambda good: good[:-1],
    "wrong": lambda good: good[:-4] + ("0000" if good[-4:] != "0000" else "1111"),
    "not ASCII": lambda good: good[:-1] + "ä",
    "beyond Latin": lambda good: good[:-1] + "\N{BLACK HEART SUIT}",
    "nonsense": lambda good: "t=,v1=",
}


@writing
@pytest.mark.parametrize("forgery", FORGERIES)
def test_case_05_forged_signature_is_refused(world, booking, letter, forgery):
    assert_refused(world, booking, with_signature(letter, FORGERIES[forgery]))


@writing
def test_case_05_missing_signature_is_refused(world, booking, letter):
    assert_refused(world, booking, Letter(letter.type, letter.body, {}))


@writing
def test_case_05_wrong_secret_is_refused(world, booking, letter):
    assert_refused(world, booking, world.sign(letter.body, "another-secret-0000000000"))


@writing
def test_case_05_signature_of_another_body_is_refused(world, booking, letter):
    assert_refused(world, booking, Letter(letter.type, letter.body + b" ", letter.headers))


@stripe_only
@pytest.mark.parametrize("age", [301, 400, 86_400])
def test_case_05_old_signature_is_refused(world, booking, letter, age):
    at = int(timezone.now().timestamp()) - age
    signature = world.stand_in.sign(letter.body, timestamp=at)
    assert_refused(world, booking, Letter(letter.type, letter.body, {"Stripe-Signature": signature}))


@razorpay_only
def test_case_05_event_signed_with_the_key_secret_is_refused(world, booking, letter):
    assert_refused(world, booking, world.sign(letter.body, world.account.key_secret))


@writing
def test_case_05_the_same_event_rightly_signed_books(world, booking, payment, letter):
    assert world.deliver(letter) == 200
    assert_booked_once(booking, payment)


# 15


def test_case_15_second_student_is_refused_before_paying(world, booking, payment):
    rival = UserFactory()
    with pytest.raises(SlotTaken):
        hold(booking.session_type, rival)
    assert Payment.objects.get() == payment
    assert not Booking.objects.filter(student=rival).exists()
    world.pay(payment.provider_ref)
    settle(payment)
    assert_booked_once(booking, payment)


def test_case_15_one_student_in_two_tabs_has_one_hold_and_one_checkout(world, booking, student):
    other_tab = hold(booking.session_type, student)
    assert other_tab == booking
    first, second = world.open(booking), world.open(other_tab)
    assert (first.pk, first.provider_ref) == (second.pk, second.provider_ref)
    assert world.made() == 1


@writing
def test_case_15_double_click_opens_one_checkout(world, client, booking, student):
    client.force_login(student)
    for _ in range(2):
        assert world.press(client, booking).status_code < 400
    assert world.made() == Payment.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_case_15_of_eight_students_at_once_one_may_pay(world, mentor):
    session_type = SessionTypeFactory(mentor=mentor)
    students = [UserFactory() for _ in range(8)]
    refused = []

    def want():
        try:
            hold(session_type, students.pop())
        except SlotTaken as refusal:
            refused.append(refusal)

    at_once(want)
    winner = Booking.objects.get()
    assert len(refused) == 7
    assert (winner.status, TimeClaim.objects.count()) == (Status.AWAITING_PAYMENT, 2)
    payment = world.open(winner)
    assert Payment.objects.get() == payment
    world.pay(payment.provider_ref)
    assert settle(payment).status == PaymentStatus.SUCCEEDED


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_case_15_eight_clicks_at_once_lead_to_one_checkout(world, booking):
    shown = []
    at_once(lambda: shown.append(world.open(booking).provider_ref))
    payment = Payment.objects.get()
    assert shown == [payment.provider_ref] * 8
    assert payment.attempt == 1
    if world.name != "razorpay":  # which has no keys: an order that nobody was shown is nobody's
        assert world.made() == 1


def hold(session_type, student):
    return book(
        student=student,
        session_type=session_type,
        duration_minutes=60,
        starts_at=STARTS_AT,
        now=timezone.now(),
    )


def at_once(work) -> None:
    errors, together = [], threading.Barrier(8)

    def run():
        try:
            together.wait(30)
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


# 31: the rest is in test_canary.py


@stripe_only
@pytest.mark.parametrize(("key", "live"), [("sk_test_", True), ("sk_live_", False), ("rk_live_", False)])
def test_case_31_event_of_the_other_mode_is_refused(world, settings, booking, letter, key, live):
    body = json.dumps(json.loads(letter.body) | {"livemode": live}).encode()
    settings.STRIPE_SECRET_KEY = key + "0" * 20
    assert_refused(world, booking, world.sign(body))


# 32


def test_case_32_mock_is_held_to_the_contract_and_to_the_cases():
    assert set(BENCHES) == set(WORLDS) == set(REGISTRY) == {"mock", "razorpay", "stripe"}


@pytest.mark.parametrize(("named", "offered"), [(None, []), ("mock", ["mock"]), ("razorpay", ["razorpay"])])
def test_case_32_mock_is_off_in_production_unless_it_is_named(tmp_path, named, offered):
    production = {
        "DEBUG": "0",
        "SECRET_KEY": "0123456789" * 6,
        "ALLOWED_HOSTS": "example.com",
        "ENV_FILE": "",
        "DATA_DIR": str(tmp_path),
        "RAZORPAY_KEY_ID": "rzp_test_1",
        "RAZORPAY_KEY_SECRET": "secret",
        "RAZORPAY_WEBHOOK_SECRET": "secret",
    }
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    chosen = {"PAYMENT_GATEWAYS": named} if named else {}
    code = "from config import settings; print(*settings.PAYMENT_GATEWAYS)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=BASE_DIR,
        env=inherited | production | chosen,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == offered


@pytest.mark.parametrize("others", [[], ["stripe"], ["razorpay"]])
def test_case_32_mock_that_is_off_pays_nothing(settings, client, booking, student, others):
    settings.PAYMENT_GATEWAYS = others
    client.force_login(student)
    answer = client.post(f"/sessions/{booking.reference}/payment/mock/", {"outcome": "success"})
    assert answer.status_code == 404
    assert_nothing_happened(booking)
