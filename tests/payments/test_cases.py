"""What must come right however providers, payers and networks behave, each for every gateway that it applies to."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone

from bookings.models import BookingEvent, Status
from bookings.services import SlotTaken, book, cancel
from bookings.services import sweep as sweep_bookings
from notifications.models import Kind, Message
from payments import services
from payments.gateways.base import GatewayMisconfigured, GatewayUnavailable
from payments.models import Payment, PaymentStatus, Refund, RefundStatus, WebhookEvent
from payments.reports.audit import audit
from payments.services import HoldLapsed, NotPayable, NotRefundable
from tests.factories import NOW, UserFactory
from tests.payments.conftest import STARTS_AT
from tests.payments.worlds import WORLDS, WRITING

pytestmark = pytest.mark.django_db

PAID, PART = 105_000, 40_000
# Beyond every gateway's checkout and the hold that goes with it.
LATE = NOW + timedelta(minutes=40)
writing = pytest.mark.parametrize("world", WRITING, indirect=True)
stripe_only = pytest.mark.parametrize("world", ["stripe"], indirect=True)
razorpay_only = pytest.mark.parametrize("world", ["razorpay"], indirect=True)


@pytest.fixture(autouse=True)
def quick(impatient, settings):
    settings.PROVIDER_TIMEOUT = (5, 10)


@pytest.fixture
def payment(world, booking) -> Payment:
    """Its checkout is open at the provider."""
    return world.open(booking)


@pytest.fixture
def paid(world, payment) -> Payment:
    """Paid at the provider; we have not heard of it."""
    world.pay(payment.provider_ref)
    return payment


@pytest.fixture
def settled(world, paid) -> Payment:
    """Paid, and the session confirmed."""
    return settle(paid)


@pytest.fixture
def signed_in(client, student):
    client.force_login(student)
    return client


def settle(payment) -> Payment:
    return services.settle(payment.pk, source="test", now=timezone.now())


def sweep() -> None:
    sweep_bookings(timezone.now())
    services.sweep(timezone.now())


def booked_letter(world):
    """The event that says that the checkout is paid."""
    (letter,) = world.letters("checkout.session.completed", "order.paid")
    return letter


def hear_all(world) -> None:
    for letter in world.letters():
        assert world.deliver(letter) == 200


def fresh(row):
    row.refresh_from_db()
    return row


def book_again(booking, student=None):
    return book(
        student=student or UserFactory(),
        session_type=booking.session_type,
        duration_minutes=60,
        starts_at=STARTS_AT,
        now=timezone.now(),
    )


def assert_booked_once(booking, payment) -> None:
    assert fresh(booking).status == Status.SCHEDULED
    assert booking.events.filter(kind=BookingEvent.Kind.SCHEDULED).count() == 1
    told = Message.objects.filter(booking=booking, kind=Kind.SESSION_SCHEDULED)
    assert sorted(told.values_list("recipient", flat=True)) == sorted(
        [booking.student_id, booking.mentor.user_id]
    )
    assert Payment.objects.counted().get(booking=booking) == payment
    assert_money(came_in=PAID, fee=5_000, mentor=100_000)


def assert_money(**expected: int) -> None:
    """What came in and where it is; everything that is not named is nothing. And all of it adds up."""
    found = audit()
    assert found.problems == []
    parts = dict.fromkeys(("came_in", "fee", "mentor", "refunded", "on_its_way", "lost"), 0)
    totals = vars(found.totals["INR"]) if found.totals else parts
    assert totals == parts | expected


def assert_nothing_happened(booking) -> None:
    assert fresh(booking).status == Status.AWAITING_PAYMENT
    assert not Payment.objects.filter(status=PaymentStatus.SUCCEEDED).exists()
    assert_money()


# 1


def hear(world, client, payment) -> None:
    hear_all(world)


def return_(world, client, payment) -> None:
    world.come_back(client, payment)


def clock(world, client, payment) -> None:
    sweep()


ORDERS = {
    "webhook, return": ([hear, return_], WRITING),
    "return, webhook": ([return_, hear], WRITING),
    "return only": ([return_], WORLDS),
    "sweep only": ([clock, clock], WORLDS),
    "all": ([hear, return_, clock, hear], WORLDS),
}


@pytest.mark.parametrize(
    ("order", "world"),
    [(order, name) for order, (_, names) in ORDERS.items() for name in names],
    indirect=["world"],
)
def test_case_01_webhook_return_and_sweep_in_any_order_book_once(world, signed_in, booking, paid, order):
    for step in ORDERS[order][0]:
        step(world, signed_in, paid)
    assert_booked_once(booking, paid)


# 2; in parallel in tests/concurrency/test_webhook_race.py


@writing
def test_case_02_same_event_three_times_has_one_effect(world, booking, paid):
    letter = booked_letter(world)
    assert [world.deliver(letter) for _ in range(3)] == [200, 200, 200]
    event = WebhookEvent.objects.get()
    assert (event.attempts, event.order, event.error) == (1, paid, "")
    assert_booked_once(booking, paid)


# 3


@writing
def test_case_03_different_events_for_one_fact_have_one_effect(world, booking, paid):
    letters = world.letters()
    assert len({letter.type for letter in letters}) >= 2
    assert {world.deliver(letter) for letter in letters} == {200}
    assert WebhookEvent.objects.filter(order=paid).exclude(processed_at=None).count() == len(letters)
    assert_booked_once(booking, paid)


# 4


@writing
@pytest.mark.parametrize("step", [1, -1])
def test_case_04_events_in_reversed_order_end_the_same(world, booking, payment, step):
    world.decline(payment.provider_ref)
    world.pay(payment.provider_ref)
    known = world.bench.gateway.fetch(payment.provider_ref)
    payment.payment_id = known.payment_id
    world.refund_by_hand(payment, PART)
    for letter in world.letters()[::step]:
        assert world.deliver(letter) == 200
    assert fresh(payment).status == PaymentStatus.SUCCEEDED
    assert fresh(booking).status == Status.SCHEDULED
    assert Refund.objects.get().reason == Refund.Reason.EXTERNAL
    assert_money(came_in=PAID, fee=5_000, mentor=100_000 - PART, refunded=PART)


@stripe_only
def test_case_04_expired_after_completed_never_moves_back(world, booking, settled):
    session = world.books.session(settled.provider_ref)
    assert world.deliver(world.write("checkout.session.expired", session)) == 200
    assert_booked_once(booking, settled)


@razorpay_only
def test_case_04_captured_before_authorized_never_moves_back(world, booking, paid):
    for letter in world.letters("payment.captured") + world.letters("payment.authorized"):
        assert world.deliver(letter) == 200
    assert_booked_once(booking, paid)


# 6


@writing
def test_case_06_event_that_cannot_be_stored_is_refused_and_its_redelivery_completes_it(
    world, booking, paid, monkeypatch
):
    letter = booked_letter(world)
    with monkeypatch.context() as patch:

        def locked(*_, **__):
            raise OperationalError("database is locked")

        patch.setattr("django.db.models.query.QuerySet.get_or_create", locked)
        assert world.deliver(letter) == 500
    assert not WebhookEvent.objects.exists()
    assert world.deliver(letter) == 200
    assert_booked_once(booking, paid)


@writing
@pytest.mark.parametrize("by", ["redelivery", "sweep"])
def test_case_06_event_whose_provider_is_down_is_taken_and_not_done(world, booking, paid, travel_to, by):
    letter = booked_letter(world)
    world.break_down()
    assert world.deliver(letter) == 200
    event = WebhookEvent.objects.get()
    assert (event.processed_at, event.attempts) == (None, 1)
    assert event.error
    assert_nothing_happened(booking)
    world.recover()
    if by == "redelivery":
        assert world.deliver(letter) == 200
    else:
        services.sweep(timezone.now())
    assert fresh(event).processed_at
    assert_booked_once(booking, paid)


@writing
def test_case_06_handler_that_breaks_midway_leaves_the_event_undone(world, booking, paid, monkeypatch):
    letter = booked_letter(world)
    with monkeypatch.context() as patch:

        def break_down(*_, **__):
            raise OperationalError("lock timeout")

        patch.setattr("payments.services.settlement.confirm", break_down)
        assert world.deliver(letter) == 200
    assert WebhookEvent.objects.get().error == "OperationalError"
    assert_nothing_happened(booking)
    services.sweep(timezone.now())
    assert_booked_once(booking, paid)


# 7


@writing
def test_case_07_unknown_session_gets_200_and_no_effect(world, booking, payment):
    before = Payment.objects.values().get()
    kind = {"stripe": "checkout.session.completed", "razorpay": "payment.captured"}[world.name]
    assert world.deliver(world.write(kind, world.unknown())) == 200
    assert Payment.objects.values().get() == before
    event = WebhookEvent.objects.get()
    assert (event.order, event.error, bool(event.processed_at)) == (None, "Nothing of ours", True)


@writing
@pytest.mark.parametrize("kind", ["customer.created", "subscription.charged", "made.up"])
def test_case_07_unknown_type_gets_200_and_no_effect(world, booking, payment, kind):
    assert world.deliver(world.write(kind, world.unknown())) == 200
    assert not WebhookEvent.objects.exists()


@writing
@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b"null", b'"event"', b"\xff\xfe", b"{}", b'{"id": 1}']
)
def test_case_07_what_is_no_event_gets_400(world, body):
    letter = world.sign(body) if body.isascii() else world.sign(b"{}")
    assert world.deliver(type(letter)("", body, letter.headers)) == 400
    assert not WebhookEvent.objects.exists()


@writing
@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_case_07_other_methods_get_405(world, client, method):
    assert getattr(client, method)(reverse(f"webhook_{world.name}")).status_code == 405


# 8, 9


@pytest.mark.parametrize(
    ("minor", "currency"), [(PAID - 1, "INR"), (PAID + 1, "INR"), (1, "INR")], ids=["less", "more", "one"]
)
def test_case_08_other_amount_is_not_confirmed_and_goes_to_staff(world, booking, paid, minor, currency):
    mismatch(world, booking, paid, minor, currency)


def test_case_09_other_currency_is_not_confirmed_and_goes_to_staff(world, booking, paid):
    mismatch(world, booking, paid, PAID, "USD")


def mismatch(world, booking, paid, minor, currency) -> None:
    world.falsify(paid.provider_ref, minor=minor, currency=currency)
    settle(paid)
    sweep()
    assert fresh(booking).status == Status.AWAITING_PAYMENT
    assert (fresh(paid).status, paid.needs_review) == (PaymentStatus.OPEN, True)
    assert f"{minor} {currency}" in paid.review_reason
    with pytest.raises(NotPayable, match="checked by our staff"):
        world.open(booking)
    assert len(audit().problems) == 1


@pytest.mark.parametrize("world", ["mock"], indirect=True)
def test_case_08_staff_give_back_what_was_not_asked_for(world, booking, paid):
    world.falsify(paid.provider_ref, minor=100, currency="INR")
    settle(paid)
    services.refund_mismatched_payment(paid.pk, now=timezone.now())
    with pytest.raises(NotRefundable):
        services.refund_mismatched_payment(paid.pk, now=timezone.now())
    assert (fresh(paid).status, paid.is_surplus, paid.needs_review) == ("succeeded", True, False)
    assert fresh(booking).status == Status.EXPIRED
    assert_money(came_in=100, on_its_way=100)


# 10


@pytest.fixture
def at_the_bank(world, payment) -> Payment:
    world.pay_slowly(payment.provider_ref)
    return settle(payment)


def test_case_10_money_that_takes_its_time_keeps_the_slot(world, signed_in, booking, at_the_bank, travel_to):
    assert at_the_bank.status in (PaymentStatus.PROCESSING, PaymentStatus.AUTHORIZED)
    assert fresh(booking).hold_expires_at == STARTS_AT
    assert set(booking.claims.values_list("expires_at", flat=True)) == {STARTS_AT}
    with pytest.raises(NotPayable, match="checked by the bank"):
        world.open(booking)
    assert "We are checking with the bank" in world.come_back(signed_in, at_the_bank).content.decode()
    if world.name == "razorpay":
        return  # here we capture it ourselves, after a while
    travel_to(LATE + timedelta(days=1))
    sweep()
    assert fresh(booking).status == Status.AWAITING_PAYMENT
    with pytest.raises(SlotTaken):
        book_again(booking)


def test_case_10_money_that_came_in_the_end_books(world, booking, at_the_bank, travel_to):
    travel_to(LATE)
    world.answer(at_the_bank.provider_ref, yes=True)
    sweep()
    assert_booked_once(booking, at_the_bank)


def test_case_10_money_that_did_not_come_releases_the_slot(world, booking, at_the_bank):
    world.answer(at_the_bank.provider_ref, yes=False)
    services.sweep(timezone.now() + timedelta(minutes=2))
    assert (fresh(at_the_bank).status, bool(at_the_bank.failure)) == (PaymentStatus.FAILED, True)
    assert (fresh(booking).status, booking.claims.count()) == (Status.EXPIRED, 0)
    assert book_again(booking).status == Status.AWAITING_PAYMENT
    assert_money()


# 11


def test_case_11_declined_then_paid_on_the_same_checkout_books(world, booking, payment):
    held_until = fresh(booking).hold_expires_at
    for _ in range(2):
        world.decline(payment.provider_ref)
        assert settle(payment).status == PaymentStatus.OPEN
        assert payment.provider_ref == world.open(booking).provider_ref
    assert fresh(booking).hold_expires_at == held_until
    world.pay(payment.provider_ref)
    settle(payment)
    assert booking.payments.count() == world.made() == 1
    assert_booked_once(booking, payment)


# 12


def test_case_12_cancel_link_leads_back_to_the_held_slot_and_the_same_checkout(
    world, signed_in, booking, payment
):
    assert signed_in.get(reverse("payment", args=[booking.reference])).status_code == 200
    assert world.open(booking).provider_ref == payment.provider_ref
    assert world.made() == 1
    assert fresh(booking).status == Status.AWAITING_PAYMENT


def test_case_12_cancelling_closes_the_checkout(world, booking, payment, student):
    cancel(booking.pk, actor=student, now=timezone.now())
    services.sweep(timezone.now())
    assert fresh(payment).status == PaymentStatus.EXPIRED
    if world.bench.gateway.can_expire:
        world.pay(payment.provider_ref)
        assert settle(payment).status == PaymentStatus.EXPIRED
    assert_money()


def test_case_12_cancelling_what_was_just_paid_gives_it_back(world, booking, paid, student):
    cancel(booking.pk, actor=student, now=timezone.now())
    services.sweep(timezone.now())
    services.sweep(timezone.now())
    assert fresh(booking).status == Status.CANCELLED
    assert_money(came_in=PAID, refunded=PAID)


# 13


def test_case_13_clock_frees_the_slot_and_the_sweep_closes_the_checkout(world, booking, payment, travel_to):
    travel_to(LATE)
    other = book_again(booking)  # before any sweep
    with pytest.raises(HoldLapsed):
        world.open(booking)
    sweep()
    assert fresh(payment).status == PaymentStatus.EXPIRED
    assert (fresh(booking).status, other.status) == (Status.EXPIRED, Status.AWAITING_PAYMENT)


def test_case_13_closing_what_is_complete_settles_it(world, booking, paid, travel_to):
    travel_to(LATE)
    sweep()
    assert_booked_once(booking, paid)


def test_case_13_closing_that_times_out_is_tried_until_the_answer_is_known(world, booking, paid, travel_to):
    travel_to(LATE)
    world.break_down()
    sweep()
    sweep()
    assert fresh(paid).status == PaymentStatus.OPEN
    world.recover()
    sweep()
    assert_booked_once(booking, paid)


# 14


def test_case_14_paid_after_the_hold_lapsed_and_the_slot_free_confirms(world, booking, paid, travel_to):
    travel_to(LATE)
    sweep_bookings(timezone.now())
    settle(paid)
    assert_booked_once(booking, paid)


def test_case_14_paid_after_the_hold_lapsed_and_the_slot_taken_goes_back_once(
    world, signed_in, booking, paid, travel_to
):
    travel_to(LATE)
    other = book_again(booking)
    settle(paid)
    settle(paid)
    for _ in range(3):
        sweep()
    refund = Refund.objects.get()
    assert (refund.amount_minor, refund.reason, refund.status) == (PAID, "not_confirmed", "succeeded")
    assert (fresh(booking).status, fresh(other).status) == (Status.EXPIRED, Status.AWAITING_PAYMENT)
    assert_money(came_in=PAID, refunded=PAID)
    page = signed_in.get(booking.get_absolute_url()).content.decode()
    assert "Refunded" in page
    assert "The session could not be confirmed" in page


# 16


HOWS = ["500", "429", "409", "timeout", "html", "lost"]
OF_STRIPE = {"500": "error", "429": "throttled", "409": "conflict", "timeout": "drop"}


def trouble(world, how) -> None:
    if world.name == "mock":
        world.provider.refuses["create_checkout"] = GatewayUnavailable(how)
    elif world.name == "stripe":
        world.stand_in.disturb(OF_STRIPE.get(how, how), "POST /v1/checkout/sessions", times=9)
    else:
        world.stand_in.patience = 0.5
        world.stand_in.fail("POST", "/v1/orders", how, 9)


@writing
@pytest.mark.parametrize("how", HOWS)
def test_case_16_checkout_that_cannot_be_opened_shows_a_page_to_try_again_from(
    world, signed_in, booking, how, settings
):
    trouble(world, how)
    if how == "timeout":
        settings.PROVIDER_TIMEOUT = (1, 0.2)
    response = world.press(signed_in, booking)
    settings.PROVIDER_TIMEOUT = (5, 10)
    shown = response.content.decode()
    assert response.status_code == 503
    assert "Try again" in shown
    assert "Traceback" not in shown
    assert fresh(booking).payable_at(timezone.now())
    assert booking.payments.get().status == PaymentStatus.CREATED
    world.recover()
    assert world.press(signed_in, booking).status_code == 303
    payment = booking.payments.get()
    assert payment.status == PaymentStatus.OPEN
    world.pay(payment.provider_ref)
    settle(payment)
    assert_booked_once(booking, payment)


def test_case_16_lost_answer_is_found_again_by_its_key(world, booking):
    world.lose_answer()
    with pytest.raises(GatewayUnavailable):
        world.open(booking)
    world.find_answer()
    world.open(booking)
    assert world.made() == 1
    assert booking.payments.get().attempt == 1


# 17


@stripe_only
def test_case_17_failure_that_sticks_to_a_key_is_followed_by_a_new_key(world, signed_in, booking):
    world.stand_in.disturb("sticky", "POST /v1/checkout/sessions")
    assert world.press(signed_in, booking).status_code == 303
    keys = [each.key for each in world.stand_in.requests if each.name == "POST /v1/checkout/sessions"]
    assert len(set(keys)) == 2
    assert booking.payments.get().attempt == 2
    assert world.made() == 1


@stripe_only
def test_case_17_changed_parameters_never_meet_their_old_key(world, signed_in, booking, student, travel_to):
    world.lose_answer()
    assert world.press(signed_in, booking).status_code == 503
    world.find_answer()
    student.name, student.email = "Arjun K.", "arjun.k@example.com"
    student.save()
    travel_to(NOW + timedelta(minutes=3))
    assert world.press(signed_in, booking).status_code == 303
    first, second = [each for each in world.stand_in.requests if each.name == "POST /v1/checkout/sessions"]
    assert (first.key, first.parameters) == (second.key, second.parameters)


# 18


@pytest.fixture
def others(world, booking) -> Payment:
    """Somebody else's checkout, paid."""
    other = book(
        student=UserFactory(),
        session_type=booking.session_type,
        duration_minutes=60,
        starts_at=STARTS_AT + timedelta(hours=2),
        now=timezone.now(),
    )
    payment = world.open(other)
    world.pay(payment.provider_ref)
    return payment


def come_back_with(world, client, booking, data):
    if world.name == "stripe":
        return client.get(reverse("payment_return", args=[booking.reference]), data)
    return client.post(reverse("payment_razorpay_return", args=[booking.reference]), data)


@writing
def test_case_18_return_with_somebody_elses_proof_books_nothing(world, signed_in, booking, payment, others):
    stolen = world.bench.returned(others.provider_ref)
    assert come_back_with(world, signed_in, booking, stolen).status_code in (400, 404)
    assert_nothing_happened(booking)


@writing
def test_case_18_made_up_return_books_nothing(world, signed_in, booking, payment):
    for made_up in (
        {"session_id": "cs_test_made_up"},
        {"session_id": ""},
        {
            "razorpay_order_id": payment.provider_ref,
            "razorpay_payment_id": "pay_1",
            "razorpay_signature": "00",
        },
        {"razorpay_payment_id": "pay_1", "razorpay_signature": "é"},
    ):
        if ("session_id" in made_up) == (world.name == "stripe"):
            assert come_back_with(world, signed_in, booking, made_up).status_code in (400, 404)
    assert_nothing_happened(booking)


def test_case_18_return_without_paying_books_nothing(world, signed_in, booking, payment):
    response = world.come_back(signed_in, payment)
    assert (response.status_code, response["Location"]) == (303, reverse("payment", args=[booking.reference]))
    assert_nothing_happened(booking)


def test_case_18_return_to_somebody_elses_session_is_not_found(world, client, booking, paid, stranger):
    client.force_login(stranger)
    assert world.come_back(client, paid).status_code == 404
    assert_nothing_happened(booking)


def test_case_18_replayed_return_is_harmless(world, signed_in, booking, paid):
    for _ in range(3):
        response = world.come_back(signed_in, paid)
        confirmation = reverse("session_confirmation", args=[booking.reference])
        assert (response.status_code, response["Location"]) == (303, confirmation)
    assert_booked_once(booking, paid)


# 19


def test_case_19_two_payments_for_one_session_keep_one_and_give_the_other_back(world, booking, paid):
    # The first is over for us, so that a second is made, and both are paid.
    Payment.objects.filter(pk=paid.pk).update(status=PaymentStatus.EXPIRED)
    second = world.open(booking)
    assert second.pk != paid.pk
    world.pay(second.provider_ref)
    settle(second)
    settle(paid)
    for _ in range(2):
        sweep()
    assert (fresh(second).is_surplus, fresh(paid).is_surplus) == (False, True)
    assert [(each.payment, each.status) for each in Refund.objects.all()] == [(paid, RefundStatus.SUCCEEDED)]
    assert booking.events.filter(kind=BookingEvent.Kind.SCHEDULED).count() == 1
    assert_money(came_in=2 * PAID, fee=5_000, mentor=100_000, refunded=PAID)


@razorpay_only
def test_case_19_what_razorpay_returns_by_itself_is_left_to_it(world, booking, payment):
    late = world.account.begin(payment.provider_ref)
    world.pay(payment.provider_ref)
    world.account.authorize(late["id"])
    assert world.account.payments[late["id"]]["captured"] is False
    hear_all(world)
    assert not Refund.objects.exists()
    assert_booked_once(booking, payment)


# 20


@razorpay_only
def test_case_20_failed_payment_that_is_authorized_late_books(world, booking, payment):
    failed = world.account.decline(payment.provider_ref)
    settle(payment)
    world.account.authorize(failed["id"])
    hear_all(world)
    assert_booked_once(booking, payment)


@razorpay_only
def test_case_20_late_authorized_for_a_slot_that_is_gone_goes_back(world, booking, payment, travel_to):
    failed = world.account.decline(payment.provider_ref)
    travel_to(LATE)
    sweep()
    book_again(booking)
    world.account.authorize(failed["id"])
    hear_all(world)
    sweep()
    assert fresh(booking).status == Status.EXPIRED
    assert_money(came_in=PAID, refunded=PAID)


@razorpay_only
def test_case_20_authorized_only_is_not_booked_until_we_capture_it(world, booking, at_the_bank, travel_to):
    assert at_the_bank.status == PaymentStatus.AUTHORIZED
    assert_nothing_happened(booking)
    travel_to(NOW + timedelta(minutes=5))
    services.sweep(timezone.now())
    assert world.try_of(at_the_bank.provider_ref)["captured"]
    assert_booked_once(booking, at_the_bank)


@razorpay_only
def test_case_20_authorized_and_returned_by_itself_ends_unpaid(world, booking, at_the_bank):
    world.answer(at_the_bank.provider_ref, yes=False)
    hear_all(world)
    assert fresh(at_the_bank).status == PaymentStatus.FAILED
    assert not Refund.objects.exists()
    assert_money()


# 24


@writing
@pytest.mark.parametrize("minor", [PART, PAID])
def test_case_24_refund_made_at_the_provider_is_recorded_as_it_is(world, booking, settled, minor):
    world.refund_by_hand(settled, minor)
    for letter in world.letters() * 2:
        assert world.deliver(letter) == 200
    refund = Refund.objects.get()
    assert (refund.amount_minor, refund.reason, refund.status) == (minor, "external", "succeeded")
    assert fresh(booking).status == Status.SCHEDULED  # whether it takes place is for staff to say
    left = PAID - minor
    assert_money(came_in=PAID, refunded=minor, fee=min(left, 5_000), mentor=max(left - 5_000, 0))


def test_case_24_refund_of_what_went_back_already_is_success(world, booking, settled):
    world.refund_by_hand(settled, PAID)
    refund = services.enqueue_refund(
        settled.pk, amount_minor=PAID, reason=Refund.Reason.CANCELLED, key="refund-24", now=timezone.now()
    )
    services.send_refund(refund.pk, now=timezone.now())
    assert fresh(refund).status == RefundStatus.SUCCEEDED
    assert Refund.objects.count() == 1
    assert_money(came_in=PAID, refunded=PAID)


# 25


@pytest.fixture
def disputed(world, settled) -> str:
    """The id of a dispute that we have heard of."""
    dispute_id = world.dispute(settled)
    hear_all(world)
    return dispute_id


def refund_now(payment, staff) -> Refund:
    return services.refund_by_staff(
        payment.pk, amount_minor=PART, seen_refunds=0, actor=staff, note="Sorry", now=timezone.now()
    )


@writing
def test_case_25_open_dispute_holds_the_payout_and_every_refund(world, booking, settled, disputed, staff):
    dispute = fresh(settled).disputes.get()
    assert (dispute.dispute_id, dispute.status, dispute.amount_minor) == (disputed, "open", PAID)
    assert (settled.is_disputed, settled.needs_review, settled.lost_minor) == (True, True, 0)
    assert disputed in settled.review_reason
    with pytest.raises(NotRefundable, match="bank"):
        refund_now(settled, staff)
    assert fresh(booking).status == Status.SCHEDULED
    assert_money(came_in=PAID, fee=5_000, mentor=100_000)


@writing
def test_case_25_lost_dispute_is_lost_money_and_the_session_stays(world, booking, settled, disputed):
    world.end_dispute(disputed, "lost")
    hear_all(world)
    assert (fresh(settled).is_disputed, settled.lost_minor, settled.needs_review) == (False, PAID, True)
    assert fresh(booking).status == Status.SCHEDULED
    assert_money(came_in=PAID, lost=PAID)


@writing
def test_case_25_won_dispute_is_as_if_it_had_never_been(world, booking, settled, disputed, staff):
    world.end_dispute(disputed, "won")
    hear_all(world)
    assert (fresh(settled).is_disputed, settled.lost_minor, settled.needs_review) == (False, 0, False)
    assert settled.disputes.get().closed_at
    assert_money(came_in=PAID, fee=5_000, mentor=100_000)


@writing
def test_case_25_reconciliation_finds_the_dispute_that_nobody_told_of(world, booking, settled):
    dispute_id = world.dispute(settled)
    found = services.reconcile(timezone.now())
    assert found.repaired == [f"{settled.reference}: its disputes are up to date now"]
    world.end_dispute(dispute_id, "lost")
    services.reconcile(timezone.now())
    assert_money(came_in=PAID, lost=PAID)


# 29


@writing
def test_case_29_wrong_key_shows_a_neutral_page_and_alerts_staff(world, signed_in, booking, caplog):
    world.refuse_key()
    response = world.press(signed_in, booking)
    shown = response.content.decode()
    assert response.status_code == 503
    assert "Try again" in shown
    for word in ("401", "key", "Traceback", "sk_test", "rzp_test"):
        assert word not in shown
    assert "payment not possible" in [each.message for each in caplog.records if each.levelname == "ERROR"]
    with pytest.raises(GatewayMisconfigured):
        world.open(booking)


@writing
def test_case_29_old_and_new_webhook_secret_are_both_accepted(world, settings, booking, paid):
    name = f"{world.name.upper()}_WEBHOOK_SECRETS"
    (old,) = getattr(settings, name)
    plain = booked_letter(world)
    setattr(settings, name, ["the-new-one", old])
    assert world.deliver(plain) == 200
    assert world.deliver(type(plain)("", plain.body, world.sign(plain.body, "the-new-one").headers)) == 200
    setattr(settings, name, ["the-new-one"])
    assert world.deliver(type(plain)("", plain.body, world.sign(plain.body, old).headers)) == 400
    assert_booked_once(booking, paid)


# 30


def reconcile():
    return services.reconcile(timezone.now())


def quiet() -> bool:
    """The second run changes nothing and says nothing."""
    before = list(Payment.objects.order_by("pk").values())
    found = reconcile()
    assert list(Payment.objects.order_by("pk").values()) == before
    return not (found.repaired or found.reported or found.unreachable)


def test_case_30_paid_there_and_open_here_is_repaired(world, booking, paid):
    assert len(reconcile().repaired) == 1
    assert quiet()
    assert_booked_once(booking, paid)


def test_case_30_paid_there_and_over_here_is_repaired(world, booking, paid, travel_to):
    Payment.objects.filter(pk=paid.pk).update(status=PaymentStatus.EXPIRED)
    assert len(reconcile().repaired) == 1
    assert quiet()
    assert_booked_once(booking, paid)


def test_case_30_refunded_there_and_not_here_is_repaired(world, booking, settled):
    world.refund_by_hand(settled, PART)
    assert len(reconcile().repaired) == 1
    assert quiet()
    assert_money(came_in=PAID, fee=5_000, mentor=100_000 - PART, refunded=PART)


@pytest.mark.parametrize(("state", "findings"), [("open", 1), ("succeeded", 2)])
def test_case_30_ours_without_a_counterpart_is_reported(world, booking, payment, state, findings):
    if state == "succeeded":  # then theirs has none either
        world.pay(payment.provider_ref)
        settle(payment)
    Payment.objects.filter(pk=payment.pk).update(provider_ref="made_up")
    found = reconcile()
    assert ([len(found.repaired), len(found.reported)], fresh(payment).needs_review) == ([0, findings], True)
    assert "made_up" in payment.review_reason
    assert quiet()


def test_case_30_other_amount_of_what_counts_is_reported(world, booking, settled):
    Payment.objects.filter(pk=settled.pk).update(amount_minor=PAID + 1)
    found = reconcile()
    assert (len(found.reported), fresh(settled).needs_review) == (1, True)
    assert quiet()


def test_case_30_other_amount_of_what_does_not_count_yet_is_reported(world, booking, paid):
    Payment.objects.filter(pk=paid.pk).update(amount_minor=PAID + 1)
    assert len(reconcile().reported) == 1
    assert fresh(booking).status == Status.AWAITING_PAYMENT
    assert quiet()


def test_case_30_nothing_to_find_is_quiet(world, booking, settled):
    assert quiet()


def test_case_30_provider_that_is_down_is_named(world, booking, settled, monkeypatch):
    if world.name == "mock":
        monkeypatch.setattr(world.provider, "list_payments", down)
    world.break_down()
    found = reconcile()
    assert [words.partition(":")[0] for words in found.unreachable] == [world.name]
    world.recover()


def down(since):
    raise GatewayUnavailable("timeout")


@writing
def test_case_30_lists_of_more_than_a_page_are_read_to_their_end(world, booking, paid):
    for number in range(120):
        make_anothers(world, number)
    assert len(reconcile().repaired) == 1
    assert_booked_once(booking, paid)


def make_anothers(world, number: int) -> None:
    """Another app's payment at the same provider, younger than ours."""
    if world.name == "stripe":
        made = dict(world.books.session(Payment.objects.get().provider_ref))
        made |= {"id": f"cs_test_other{number}", "client_reference_id": "", "payment_intent": None}
        world.books.objects[made["id"]] = made | {"status": "open", "payment_status": "unpaid"}
    else:
        made = dict(world.try_of(Payment.objects.get().provider_ref))
        made |= {"id": f"pay_other{number:03}", "order_id": f"order_other{number}", "notes": []}
        world.account.payments[made["id"]] = made


def test_case_30_checkout_of_ours_that_is_paid_and_not_on_record_is_reported(world, booking, paid):
    Payment.objects.filter(pk=paid.pk).update(provider_ref="", status=PaymentStatus.CANCELED)
    found = reconcile()
    assert [paid.provider_ref in words for words in found.reported] == [True]
    assert fresh(paid).needs_review
    assert quiet()
