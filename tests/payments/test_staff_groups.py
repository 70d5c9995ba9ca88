"""Every page and button of staff's, by the groups that staff are put in. Being staff alone opens none of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import vouch_for_email
from bookings.models import Review
from config.groups import GROUPS
from mentors.models import Mentor
from notifications.models import Message
from payments.models import MockCheckout, Payment, Payout, RefundStatus, WebhookEvent
from payments.services.payouts import record_payout
from tests.factories import NOW, BookingFactory, MentorFactory, SessionTypeFactory, UserFactory
from tests.payments.factories import paid_session, refunded

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SUPPORT, FINANCE, APPROVAL, READ_ONLY = "Support", "Finance", "Mentor approval", "Read only"
EVERYBODY = {SUPPORT, FINANCE, APPROVAL, READ_ONLY}
Place = dict[str, Any]
Try = Callable[[Client, Place], bool]


@pytest.fixture
def place(mentor: Mentor, student: User, staff: User) -> Place:
    """One of everything that staff look at and decide about."""
    paid_type = SessionTypeFactory(mentor=mentor, slug="paid")
    over = paid_session(session_type=paid_type)
    payout = record_payout(
        mentor=mentor, currency="INR", amount_minor=100_000, transfer_reference="NEFT-1", actor=staff, now=NOW
    )
    owed = paid_session(session_type=paid_type, ended_ago=timedelta(days=8))
    payment = paid_session(session_type=paid_type, student=student, ended_ago=timedelta(days=-10))
    Payment.objects.filter(pk=payment.pk).update(needs_review=True, review_reason="odd")
    MockCheckout.objects.create(
        provider_ref=payment.provider_ref,
        key="paid",
        request={"ref": payment.reference},
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        status="paid",
        payment_id=payment.payment_id,
        expires_at=NOW,
    )
    free = BookingFactory(session_type__mentor=mentor)
    vouch_for_email(student)
    return {
        "payment": payment,
        "session": payment.booking,
        "free": free,
        "owed": owed,
        "refund": refunded(payment, 5_000, status=RefundStatus.FAILED),
        "payout": payout,
        "event": WebhookEvent.objects.create(
            gateway="mock", event_id="evt", type="x", kind="payment", received_at=NOW, due_at=NOW, gave_up_at=NOW
        ),
        "applicant": MentorFactory(status=Mentor.Status.APPLIED, approved_at=None),
        "review": Review.objects.create(booking=over.booking, rating=4, words="Good", created_at=NOW),
        "message": Message.objects.create(
            event="x", booking=free, recipient=student, kind="session_scheduled", due_at=NOW, created_at=NOW,
            status="failed",
        ),
        "student": student,
        "staff": staff,
    }  # fmt: skip


def opens(address: Callable[[Place], str]) -> Try:
    return lambda client, place: client.get(address(place)).status_code == 200


def listed(model: str) -> Try:
    return opens(lambda place: reverse(f"admin:{model}_changelist"))


def shown(model: str, name: str) -> Try:
    return opens(lambda place: reverse(f"admin:{model}_change", args=[place[name].pk]))


def changed(row: Any, field: str, act: Callable[[], object]) -> bool:
    before = getattr(row, field)
    act()
    row.refresh_from_db()
    return bool(getattr(row, field) != before)


def done(model: str, name: str, action: str) -> Try:
    """The action left its trace in the admin's log."""

    def act(client: Client, place: Place) -> bool:
        before = LogEntry.objects.count()
        client.post(
            reverse(f"admin:{model}_changelist"), {"action": action, "_selected_action": place[name].pk}
        )
        return LogEntry.objects.count() > before

    return act


def changes(model: str, name: str, action: str, field: str) -> Try:
    """The action changed that field."""
    address = f"admin:{model}_changelist"

    def act(client: Client, place: Place) -> bool:
        row = place[name]
        data = {"action": action, "_selected_action": row.pk}
        return changed(row, field, lambda: client.post(reverse(address), data))

    return act


def offered(button: str, model: str, name: str) -> Try:
    def look(client: Client, place: Place) -> bool:
        return button in client.get(reverse(f"admin:{model}_change", args=[place[name].pk])).text

    return look


def cancels_free(client: Client, place: Place) -> bool:
    page = reverse("admin:bookings_booking_cancel", args=[place["free"].pk])
    form = (client.get(page).context or {}).get("form")
    quoted = form["quoted"].initial if form else ""
    return changed(
        place["free"], "status", lambda: client.post(page, {"quoted": quoted, "reason": "The mentor is ill"})
    )


def refunds(client: Client, place: Place) -> bool:
    data = {"amount": "100", "seen_refunds": "1", "reason": "Sorry"}
    page = reverse("admin:payments_payment_refund", args=[place["payment"].pk])
    return changed(place["payment"], "reserved_minor", lambda: client.post(page, data))


def records_payout(client: Client, place: Place) -> bool:
    mentor = place["owed"].booking.mentor
    page = f"{reverse('admin:payments_payout_add')}?mentor={mentor.pk}&currency=INR"
    client.post(page, {"amount_minor": 100_000, "transfer_reference": "NEFT-2"})
    return Payout.objects.filter(transfer_reference="NEFT-2").exists()


def asks_why(client: Client, place: Place) -> bool:
    data = {"action": "reject", "_selected_action": place["applicant"].pk}
    return "Reject: why?" in client.post(reverse("admin:mentors_mentor_changelist"), data).text


def hides_review(client: Client, place: Place) -> bool:
    page = reverse("admin:bookings_review_visibility", args=[place["review"].pk])
    form = (client.get(page).context or {}).get("form")
    data = {"shown": form["shown"].initial if form else "True", "reason": "Rude"}
    return changed(place["review"], "hidden_at", lambda: client.post(page, data))


def changes_person(client: Client, place: Place) -> bool:
    page = reverse("admin:accounts_user_change", args=[place["student"].pk])
    data = {"email": "other@example.com", "name": "Other", "time_zone": "", "phone": "", "is_active": "on"}
    return changed(place["student"], "name", lambda: client.post(page, data))


def sees_money(client: Client, place: Place) -> bool:
    return place["payment"].reference in client.get(place["session"].get_absolute_url()).text


def sees_trail(client: Client, place: Place) -> bool:
    page = reverse("admin:bookings_booking_change", args=[place["session"].pk])
    return place["payment"].reference in client.get(page).text


# What may be tried, and who succeeds. A superuser always does.
PAGES: dict[str, tuple[Try, set[str]]] = {
    "the admin's front page": (opens(lambda place: "/admin/"), EVERYBODY),
    # Sessions
    "list of sessions": (listed("bookings_booking"), {SUPPORT, FINANCE, READ_ONLY}),
    "session in the admin": (shown("bookings_booking", "session"), {SUPPORT, FINANCE, READ_ONLY}),
    "money's trail of a session": (sees_trail, {SUPPORT, FINANCE, READ_ONLY}),
    "session on the site": (opens(lambda place: place["session"].get_absolute_url()), {SUPPORT, FINANCE, READ_ONLY}),
    "money of a session on the site": (sees_money, {SUPPORT, FINANCE, READ_ONLY}),
    "session's calendar file": (
        opens(lambda place: f"{place['session'].get_absolute_url()}invite.ics"),
        {SUPPORT, FINANCE, READ_ONLY},
    ),
    "cancel a free session": (cancels_free, {SUPPORT}),
    "button to cancel": (offered(">Cancel session…<", "bookings_booking", "free"), {SUPPORT}),
    # Needs Support and Finance both: nobody decides about money without its permission.
    "page to cancel a paid session": (
        opens(lambda place: reverse("admin:bookings_booking_cancel", args=[place["session"].pk])),
        set(),
    ),
    "list of reviews": (listed("bookings_review"), {SUPPORT, FINANCE, READ_ONLY}),
    "hide a review": (hides_review, {SUPPORT}),
    "delete a review": (
        opens(lambda place: reverse("admin:bookings_review_delete", args=[place["review"].pk])),
        set(),
    ),
    # Money
    "receipt": (opens(lambda place: f"{place['session'].get_absolute_url()}receipt/"), {SUPPORT, FINANCE, READ_ONLY}),
    "receipt as PDF": (
        opens(lambda place: f"{place['session'].get_absolute_url()}receipt.pdf"),
        {SUPPORT, FINANCE, READ_ONLY},
    ),
    "list of payments": (listed("payments_payment"), {SUPPORT, FINANCE, READ_ONLY}),
    "payment": (shown("payments_payment", "payment"), {SUPPORT, FINANCE, READ_ONLY}),
    "button to refund": (offered(">Refund…<", "payments_payment", "payment"), {FINANCE}),
    "refund": (refunds, {FINANCE}),
    "settle again": (done("payments_payment", "payment", "settle_again"), {FINANCE}),
    "button to settle again": (offered("settle_again", "payments_payment", "payment"), {FINANCE}),
    "mark as reviewed": (changes("payments_payment", "payment", "mark_reviewed", "needs_review"), {FINANCE}),
    "list of refunds": (listed("payments_refund"), {SUPPORT, FINANCE, READ_ONLY}),
    "try a refund again": (changes("payments_refund", "refund", "try_again", "status"), {FINANCE}),
    "list of disputes": (listed("payments_dispute"), {FINANCE, READ_ONLY}),
    "list of events": (listed("payments_webhookevent"), {FINANCE, READ_ONLY}),
    "process an event again": (changes("payments_webhookevent", "event", "process_again", "gave_up_at"), {FINANCE}),
    "list of payouts": (listed("payments_payout"), {FINANCE, READ_ONLY}),
    "page to record a payout": (opens(lambda place: reverse("admin:payments_payout_add")), {FINANCE}),
    "record a payout": (records_payout, {FINANCE}),
    "mark a payout as returned": (changes("payments_payout", "payout", "mark_returned", "returned_at"), {FINANCE}),
    # Mentors
    "list of mentors": (listed("mentors_mentor"), EVERYBODY),
    "applicant in the admin": (shown("mentors_mentor", "applicant"), EVERYBODY),
    "applicant on the site": (opens(lambda place: place["applicant"].get_absolute_url()), EVERYBODY),
    "approve": (changes("mentors_mentor", "applicant", "approve", "status"), {APPROVAL}),
    "button to approve": (offered('value="approve"', "mentors_mentor", "applicant"), {APPROVAL}),
    "page to reject": (asks_why, {APPROVAL}),
    "add a skill": (opens(lambda place: reverse("admin:mentors_skill_add")), {APPROVAL}),
    # People
    "list of people": (listed("accounts_user"), EVERYBODY),
    "change a person": (changes_person, set()),
    "set a person's password": (
        opens(lambda place: reverse("admin:auth_user_password_change", args=[place["student"].pk])),
        set(),
    ),
    "deactivate a person": (changes("accounts_user", "student", "deactivate", "is_active"), set()),
    "list of addresses": (listed("account_emailaddress"), set()),
    "list of second steps": (listed("mfa_authenticator"), set()),
    "list of groups": (listed("auth_group"), set()),
    "list of messages": (listed("notifications_message"), {SUPPORT, FINANCE, READ_ONLY}),
    "send a message again": (changes("notifications_message", "message", "send_again", "status"), {SUPPORT}),
}  # fmt: skip


def allowed(client: Client, place: Place) -> set[str]:
    """What succeeds, each tried on the same place."""
    found = set()
    for name, (attempt, _) in PAGES.items():
        undo = transaction.savepoint()
        if attempt(client, place):
            found.add(name)
        transaction.savepoint_rollback(undo)
        for row in place.values():
            row.refresh_from_db()
    return found


@pytest.mark.parametrize("group", GROUPS)
def test_group_opens_its_own_pages_and_no_other(client: Client, place: Place, group: str) -> None:
    person = UserFactory(is_staff=True)
    person.groups.add(Group.objects.get(name=group))
    client.force_login(person)
    assert allowed(client, place) == {name for name, (_, groups) in PAGES.items() if group in groups}


def test_being_staff_opens_only_the_admins_front_page(client: Client, place: Place) -> None:
    client.force_login(UserFactory(is_staff=True))
    assert allowed(client, place) == {"the admin's front page"}


def test_superuser_may_do_everything(client: Client, place: Place) -> None:
    client.force_login(place["staff"])
    assert allowed(client, place) == set(PAGES)


def test_group_without_being_staff_opens_nothing(client: Client, place: Place) -> None:
    person = UserFactory()
    person.groups.set(Group.objects.all())
    client.force_login(person)
    assert allowed(client, place) == set()


def test_support_and_finance_together_cancel_a_paid_session(client: Client, place: Place) -> None:
    person = UserFactory(is_staff=True)
    person.groups.set(Group.objects.filter(name__in=[SUPPORT, FINANCE]))
    client.force_login(person)
    page = reverse("admin:bookings_booking_cancel", args=[place["session"].pk])
    assert client.get(page).status_code == 200


def test_groups_hold_what_is_written_and_nothing_else() -> None:
    for name, permissions in GROUPS.items():
        held = Permission.objects.filter(group__name=name).values_list("content_type__app_label", "codename")
        assert {f"{app}.{codename}" for app, codename in held} == set(permissions)


def test_every_model_of_the_admin_is_some_groups_to_look_at_or_superusers_own() -> None:
    superusers = {"account.view_emailaddress", "auth.view_group", "mfa.view_authenticator"}
    models = {f"{model._meta.app_label}.view_{model._meta.model_name}" for model in admin.site._registry}
    assert models - superusers <= set(GROUPS[READ_ONLY])
    assert not superusers & set(GROUPS[READ_ONLY])


def test_groups_that_stand_are_left_as_their_owner_made_them() -> None:
    support = Group.objects.get(name=SUPPORT)
    support.permissions.set(Permission.objects.filter(codename="view_booking"))
    Group.objects.get(name=READ_ONLY).delete()
    own = Group.objects.create(name="Own")
    for _ in range(2):
        call_command("migrate", verbosity=0)
    assert [each.codename for each in support.permissions.all()] == ["view_booking"]
    assert own.permissions.count() == 0
    assert Group.objects.get(name=READ_ONLY).permissions.count() == len(GROUPS[READ_ONLY])
    assert Group.objects.count() == len(GROUPS) + 1
