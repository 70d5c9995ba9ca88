"""What staff can do in admin with sessions and money, and what they can't by accident or without the permission."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from bookings.models import Booking, Status
from payments import services
from payments.gateways.base import GatewayRejected, GatewayUnavailable, Money
from payments.models import MockRefund, Payment, Refund, RefundStatus, WebhookEvent
from tests.factories import NOW, UserFactory
from tests.payments.factories import STARTS_AT

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def session(booking, paid) -> Booking:
    """Paid, moderate: everything until 48 hours before, half until 24."""
    Booking.objects.update(cancellation_policy="moderate")
    services.settle(paid.pk, source="test", now=NOW)
    booking.refresh_from_db()
    return booking


@pytest.fixture
def payment_(session) -> Payment:
    return session.payments.get()


@pytest.fixture
def desk(client, staff):
    client.force_login(staff)
    return client


@pytest.fixture
def allow(client):
    """Sign in somebody of the staff who may do only that."""

    def sign_in(*codenames):
        person = UserFactory(is_staff=True)
        person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(person)
        return client

    return sign_in


def cancel_url(booking) -> str:
    return reverse("admin:bookings_booking_cancel", args=[booking.pk])


def refund_url(payment) -> str:
    return reverse("admin:payments_payment_refund", args=[payment.pk])


def cancel(desk, booking, give_back, *, page=None, **typed):
    quoted = (page or desk.get(cancel_url(booking))).context["form"]["quoted"].initial
    data = {"quoted": quoted, "give_back": give_back, "reason": "The mentor is ill", **typed}
    return desk.post(cancel_url(booking), data)


def refund(desk, payment, amount="100", seen=0, reason="Sorry"):
    return desk.post(refund_url(payment), {"amount": amount, "seen_refunds": seen, "reason": reason})


def act(desk, row, action):
    model = row._meta.model_name
    data = {"action": action, "_selected_action": [row.pk], "_back": "1"}
    return desk.post(reverse(f"admin:payments_{model}_changelist"), data, follow=True)


def messages(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def untouched(booking) -> bool:
    booking.refresh_from_db()
    return booking.status == Status.SCHEDULED and not Refund.objects.exists()


# A session and its money on one page


def test_booking_shows_its_history_and_the_trail_of_its_money(desk, session, payment_, staff):
    services.refund_by_staff(
        payment_.pk, amount_minor=12_300, seen_refunds=0, actor=staff, note="A bad line", now=NOW
    )
    page = desk.get(reverse("admin:bookings_booking_change", args=[session.pk])).content.decode()
    for part in (
        *("Time held for payment", "Scheduled", payment_.reference, payment_.payment_id, "₹1,050.00"),
        *("Refund", "₹123.00", "Requested", "A bad line", "Stella Staff", "Money: Refund on its way"),
        *(cancel_url(session), reverse("admin:payments_payment_change", args=[payment_.pk])),
    ):
        assert part in page
    assert "Save" not in page


# Cancelling


@pytest.mark.parametrize(
    ("give_back", "typed", "minor"),
    [("all", {}, 105_000), ("policy", {}, 50_000), ("part", {"amount": "123.45"}, 12_345), ("none", {}, 0)],
)
def test_staff_cancel_with_the_refund_they_choose(
    desk, session, payment_, staff, travel_to, give_back, typed, minor
):
    travel_to(STARTS_AT - 30 * HOUR)
    cancel(desk, session, give_back, **typed)
    session.refresh_from_db()
    assert session.status == Status.CANCELLED
    assert (session.events.last().actor, session.events.last().note) == (staff, "The mentor is ill")
    assert list(Refund.objects.values_list("amount_minor", "actor")) == [(minor, staff.pk)] * bool(minor)
    assert LogEntry.objects.get().get_change_message() == "Cancelled: The mentor is ill"


def test_cancel_page_shows_what_each_choice_gives(desk, session, travel_to):
    travel_to(STARTS_AT - 30 * HOUR)
    page = desk.get(cancel_url(session)).content.decode()
    for words in ("Everything: ₹1,050", "What the policy gives: ₹500", "Another part", "Nothing: ₹0"):
        assert words in page
    assert "Paid ₹1,050, of which ₹1,050 can go back." in page
    assert untouched(session)


@pytest.mark.parametrize(
    ("give_back", "typed", "words"),
    [
        ("all", {"reason": ""}, "required"),
        ("part", {}, "How much goes back?"),
        ("part", {"amount": "0"}, "How much goes back?"),
        ("part", {"amount": "-1"}, "Write 0 or more"),
        ("part", {"amount": "1050.01"}, "at most what is left"),
        ("part", {"amount": "1.001"}, "2 digits after the point"),
        ("part", {"amount": "much"}, "Write a number"),
        ("everything and more", {}, "Choose one from the list"),
    ],
)
def test_odd_choice_is_said_and_changes_nothing(desk, session, give_back, typed, words):
    answer = cancel(desk, session, give_back, **typed)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert untouched(session)


def test_line_that_passes_before_staff_press_is_asked_again(desk, session, travel_to):
    travel_to(STARTS_AT - 49 * HOUR)
    old = desk.get(cancel_url(session))
    travel_to(STARTS_AT - 47 * HOUR)
    answer = cancel(desk, session, "policy", page=old)
    assert answer.status_code == 409
    assert "What the policy gives: ₹500" in answer.content.decode()
    assert "The mentor is ill" in answer.content.decode()
    assert untouched(session)


def test_unpaid_session_asks_for_the_reason_only(desk, booking):
    page = desk.get(cancel_url(booking))
    assert "Nothing was paid" in page.content.decode()
    assert "give_back" not in page.context["form"].fields
    cancel(desk, booking, "all", page=page)
    booking.refresh_from_db()
    assert booking.status == Status.CANCELLED


def test_second_press_finds_it_cancelled(desk, session):
    page = desk.get(cancel_url(session))
    for _ in range(2):
        answer = cancel(desk, session, "all", page=page)
    assert answer["Location"] == reverse("admin:bookings_booking_change", args=[session.pk])
    assert Refund.objects.count() == 1


def test_disputed_session_is_cancelled_without_a_refund_only(desk, session):
    Payment.objects.update(is_disputed=True)
    answer = cancel(desk, session, "all")
    assert answer.status_code == 422
    assert "bank is looking into this payment" in answer.content.decode()
    assert untouched(session)
    cancel(desk, session, "none")
    session.refresh_from_db()
    assert session.status == Status.CANCELLED


@pytest.mark.parametrize("quoted", [{}, {"quoted": ""}, {"quoted": "scheduled:105000:1"}])
def test_cancelling_without_what_was_shown_is_looked_at_again(desk, session, quoted):
    answer = desk.post(cancel_url(session), {"give_back": "all", "reason": "The mentor is ill"} | quoted)
    assert answer.status_code == 409
    assert "Please look again" in answer.content.decode()
    assert "The mentor is ill" in answer.content.decode()
    assert untouched(session)


@pytest.mark.parametrize(
    "permissions",
    [(), ("view_booking",), ("change_booking", "view_booking"), ("add_refund", "view_booking")],
)
def test_cancelling_needs_both_permissions(allow, session, permissions):
    client = allow(*permissions)
    data = {"give_back": "all", "reason": "x", "quoted": "scheduled:105000:105000"}
    assert client.get(cancel_url(session)).status_code == 403
    assert client.post(cancel_url(session), data).status_code == 403
    assert untouched(session)


def test_cancelling_with_both_permissions_works(allow, session):
    cancel(allow("change_booking", "view_booking", "add_refund"), session, "all")
    assert Refund.objects.get().amount_minor == 105_000


@pytest.mark.parametrize("address", [cancel_url, lambda booking: refund_url(booking.payments.get())])
@pytest.mark.parametrize("who", ["student", "mentor", None])
def test_others_do_not_get_in(client, session, request, address, who):
    if who:
        person = request.getfixturevalue(who)
        client.force_login(person.user if who == "mentor" else person)
    assert client.get(address(session)).status_code == 302
    assert client.post(address(session), {"give_back": "all", "reason": "x"}).status_code == 302
    assert untouched(session)


# Refunding


@pytest.mark.parametrize(("amount", "minor"), [("1050", 105_000), ("0.01", 1), ("99.90", 9_990)])
def test_staff_refund_any_part_with_a_reason(desk, session, payment_, staff, amount, minor):
    refund(desk, payment_, amount)
    row = Refund.objects.get()
    assert (row.amount_minor, row.reason, row.note, row.actor) == (minor, "staff", "Sorry", staff)
    session.refresh_from_db()
    assert session.status == Status.SCHEDULED
    assert LogEntry.objects.get().get_change_message() == f"{row}: Sorry"


@pytest.mark.parametrize(
    ("amount", "reason"), [("0", "x"), ("-1", "x"), ("1050.01", "x"), ("1.001", "x"), ("", "x"), ("1", "")]
)
def test_odd_refund_is_refused_and_kept(desk, payment_, amount, reason):
    answer = refund(desk, payment_, amount, reason=reason)
    assert answer.status_code == 422
    assert f'value="{amount}"' in answer.content.decode() or not amount
    assert not Refund.objects.exists()


def test_two_clicks_refund_once_and_another_amount_is_looked_at_again(desk, payment_):
    for _ in range(2):
        assert refund(desk, payment_, "100").status_code == 302
    answer = refund(desk, payment_, "200")
    assert (answer.status_code, Refund.objects.count()) == (409, 1)
    page = answer.content.decode()
    assert "Please look again" in page
    assert "of which ₹950 can go back" in page
    assert 'value="200"' in page
    assert 'name="seen_refunds" value="1"' in page
    refund(desk, payment_, "200", seen=1)
    assert sorted(Refund.objects.values_list("amount_minor", flat=True)) == [10_000, 20_000]


@pytest.mark.parametrize("seen", ["", "odd", "-1", "7"])
def test_refund_from_a_page_that_nobody_was_shown_is_looked_at_again(desk, payment_, seen):
    answer = refund(desk, payment_, "100", seen=seen)
    assert (answer.status_code, Refund.objects.count()) == (409, 0)
    assert "Please look again" in answer.content.decode()


def test_refund_button_is_there_while_something_can_go_back(desk, payment_):
    url = reverse("admin:payments_payment_change", args=[payment_.pk])
    assert refund_url(payment_) in desk.get(url).content.decode()
    for change in ({"is_disputed": True}, {"is_disputed": False, "refunded_minor": 105_000}):
        Payment.objects.update(**change)
        assert refund_url(payment_) not in desk.get(url).content.decode()


@pytest.mark.parametrize(
    "permissions", [("view_payment",), ("change_payment", "view_payment"), ("add_refund",)]
)
def test_refunding_needs_its_permission(allow, payment_, permissions):
    client = allow(*permissions)
    assert client.get(refund_url(payment_)).status_code == 403
    assert refund(client, payment_).status_code == 403
    assert not Refund.objects.exists()


def test_looking_changes_nothing_and_other_methods_are_refused(desk, session, payment_):
    for url in (refund_url(payment_), cancel_url(session)):
        assert desk.get(url).status_code == 200
        assert desk.put(url).status_code == desk.delete(url).status_code == 405
    for row, action in ((payment_, "mark_reviewed"), (payment_, "settle_again")):
        desk.get(reverse(f"admin:payments_{row._meta.model_name}_changelist"), {"action": action})
    assert untouched(session)


@pytest.mark.parametrize("address", ["bookings/booking/999/cancel/", "payments/payment/999/refund/"])
def test_what_does_not_exist_is_not_found(desk, address):
    assert desk.get(f"/admin/{address}").status_code == 404


# Trying again


@pytest.fixture
def failed(payment_, provider, staff) -> Refund:
    row = services.refund_by_staff(
        payment_.pk, amount_minor=5_000, seen_refunds=0, actor=staff, note="Sorry", now=NOW
    )
    provider.refuses["refund"] = GatewayRejected("account closed")
    services.send_refund(row.pk, now=NOW)
    provider.refuses.clear()
    row.refresh_from_db()
    return row


def test_failed_refund_is_found_and_tried_again(desk, failed, django_capture_on_commit_callbacks):
    listed = desk.get(reverse("admin:payments_refund_changelist"), {"attention": "failed"}).content.decode()
    assert failed.reference in listed
    assert messages(act(desk, failed, "try_again")) == [f"{failed}: is tried again"]
    services.sweep(NOW + HOUR)
    failed.refresh_from_db()
    assert (failed.status, MockRefund.objects.count()) == (RefundStatus.SUCCEEDED, 1)
    assert "account closed" in LogEntry.objects.latest("pk").get_change_message()


def test_trying_again_while_the_provider_is_down_changes_nothing(desk, failed, provider):
    provider.refuses["list_refunds"] = GatewayUnavailable("timeout")
    assert messages(act(desk, failed, "try_again")) == [f"{failed}: timeout"]
    failed.refresh_from_db()
    assert (failed.status, failed.renewals) == (RefundStatus.FAILED, 0)


def test_refund_that_arrived_is_not_tried_again(desk, failed):
    Refund.objects.update(status=RefundStatus.SUCCEEDED)
    assert messages(act(desk, failed, "try_again")) == [f"{failed}: The money went back already."]


@pytest.mark.parametrize("action", ["settle_again", "mark_reviewed", "try_again"])
def test_actions_need_the_permission_to_change(allow, failed, action):
    row = failed if action == "try_again" else failed.payment
    client = allow("view_refund", "view_payment")
    act(client, row, action)
    failed.refresh_from_db()
    assert (failed.status, failed.payment.needs_review) == (RefundStatus.FAILED, True)
    assert not LogEntry.objects.exists()


def test_settling_again_sees_what_went_back_at_the_provider(desk, payment_, provider):
    provider.refund(payment_.payment_id, Money(10_000, "INR"), key="by-hand-1", ref="", reason="")
    act(desk, payment_, "settle_again")
    assert Refund.objects.get().reason == Refund.Reason.EXTERNAL


def test_button_of_one_row_leads_back_to_it(desk, failed):
    url = reverse("admin:payments_payment_change", args=[failed.payment_id])
    assert "Mark as reviewed" in desk.get(url).content.decode()
    assert act(desk, failed.payment, "mark_reviewed").redirect_chain[-1][0] == url
    assert "Mark as reviewed" not in desk.get(url).content.decode()


# What needs attention


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("review", {"needs_review": True}),
        ("mismatch", {"needs_review": True, "status": "open", "succeeded_at": None}),
        ("dispute", {"is_disputed": True}),
    ],
)
def test_payments_that_need_attention_are_filtered(desk, payment_, what, change):
    url = reverse("admin:payments_payment_changelist")
    assert payment_.reference not in desk.get(url, {"attention": what}).content.decode()
    Payment.objects.update(**change)
    assert payment_.reference in desk.get(url, {"attention": what}).content.decode()


def test_payments_with_a_failed_refund_or_an_undone_event_are_filtered(desk, failed):
    payment, url = failed.payment, reverse("admin:payments_payment_changelist")
    assert payment.reference in desk.get(url, {"attention": "refund"}).content.decode()
    assert payment.reference not in desk.get(url, {"attention": "event"}).content.decode()
    WebhookEvent.objects.create(
        gateway="mock", event_id="e", type="t", kind="payment", order=payment, received_at=NOW, due_at=NOW
    )
    assert payment.reference in desk.get(url, {"attention": "event"}).content.decode()


@pytest.mark.parametrize("what", ["failed", "owed"])
def test_refunds_that_need_attention_are_filtered(desk, failed, what):
    url = reverse("admin:payments_refund_changelist")
    assert failed.reference in desk.get(url, {"attention": what}).content.decode()
    Refund.objects.update(status=RefundStatus.SUCCEEDED)
    assert failed.reference not in desk.get(url, {"attention": what}).content.decode()


def test_unanswered_refund_is_filtered(desk, payment_, provider, staff):
    row = services.refund_by_staff(
        payment_.pk, amount_minor=5_000, seen_refunds=0, actor=staff, note="Sorry", now=NOW
    )
    url = reverse("admin:payments_refund_changelist")
    assert row.reference not in desk.get(url, {"attention": "unanswered"}).content.decode()
    provider.refuses["refund"] = GatewayUnavailable("timeout")
    services.send_refund(row.pk, now=NOW)
    assert row.reference in desk.get(url, {"attention": "unanswered"}).content.decode()


@pytest.mark.parametrize("model", ["payment", "refund"])
def test_history_of_money_can_not_be_rewritten(desk, failed, model):
    row = failed if model == "refund" else failed.payment
    url = reverse(f"admin:payments_{model}_change", args=[row.pk])
    page = desk.get(url).content.decode()
    assert 'name="_save"' not in page
    desk.post(url, {"amount_minor": 1, "status": "succeeded", "note": "x"})
    before = row.amount_minor
    row.refresh_from_db()
    assert row.amount_minor == before
    assert desk.post(reverse(f"admin:payments_{model}_delete", args=[row.pk])).status_code == 403
    assert desk.get(reverse(f"admin:payments_{model}_add")).status_code == 403
