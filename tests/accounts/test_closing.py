"""Closing an account: who may, what is in the way, what goes, and what stays without the name."""

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core import mail, serializers
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.closing import account_closing, meaning_for
from accounts.models import User
from accounts.services import CannotClose, MeaningChanged, close_account
from bookings.models import Booking, BookingEvent, Review, Status, TimeClaim
from bookings.services import NotBookable, SlotGone, book, cancel, confirm, lock_booking
from mentors.models import Mentor
from notifications import services as outbox
from notifications.models import Kind, Message
from notifications.models import Status as MessageStatus
from payments.models import FormerPayee, Payment
from payments.reports.receipts import make_receipt
from payments.services import delete_paid_payees
from tests.accounts.traces import EMAIL, NAME, TRACES
from tests.factories import NOW, BookingFactory, SessionTypeFactory

URL, DATA = "/settings/data/closing/", "/settings/data/"


def say_who(client: Client) -> None:
    client.post("/accounts/reauthenticate/", {"password": "office-hours"})


@pytest.fixture
def at_home(client: Client, ann: User) -> Client:
    """Ann's browser; she has just said again who she is."""
    client.post("/accounts/login/", {"login": EMAIL, "password": "office-hours"})
    say_who(client)
    return client


def press(client: Client):
    """The last button, on the page as it is."""
    page = client.get(URL)
    shown = re.search(r'name="shown" value="(\w+)"', page.text)
    return client.post(URL, {"shown": shown[1] if shown else ""})


def is_closed(user: User) -> bool:
    user.refresh_from_db()
    return user.closed_at is not None


# Who may


@pytest.mark.django_db
@pytest.mark.parametrize("url", [DATA, URL])
def test_nobody_is_asked_to_sign_in(client: Client, url: str) -> None:
    assert client.get(url)["Location"] == f"/accounts/login/?next={url}"
    assert client.post(URL)["Location"] == f"/accounts/login/?next={URL}"


def test_other_methods_are_refused(at_home: Client) -> None:
    assert at_home.put(URL).status_code == 405
    assert at_home.post(DATA).status_code == 405


def test_the_password_is_asked_for_again_and_nothing_is_done_behind_it(client: Client, ann: User) -> None:
    client.post("/accounts/login/", {"login": EMAIL, "password": "office-hours"})
    assert client.get(URL)["Location"] == f"/accounts/reauthenticate/?next={URL.replace('/', '%2F')}"
    assert client.post(URL, {"shown": meaning_for(ann, NOW).token})["Location"] == URL
    assert not is_closed(ann)
    say_who(client)
    assert client.get(URL).status_code == 200
    assert not is_closed(ann)


def test_who_has_no_password_signs_in_by_code_once_more(client: Client, ann: User) -> None:
    ann.set_unusable_password()
    ann.save()
    client.force_login(ann)
    asked = client.get(URL)
    assert asked.status_code == 403
    [way] = re.findall(r'name="next" value="(/accounts/login/code/[^"]+)"', asked.text)
    assert client.post(URL, {"shown": "x"})["Location"] == URL
    signed_out = client.post("/accounts/logout/", {"next": way})
    assert signed_out["Location"] == way
    sent = client.post(way, {"email": EMAIL})
    code = re.search(r"^[A-Z0-9]{3,4}-?[A-Z0-9]{3,4}$", mail.outbox[-1].body, re.M)
    assert code
    done = client.post(sent["Location"], {"code": code[0]})
    assert done["Location"] == URL
    assert press(client)["Location"] == "/"
    assert is_closed(ann)


def test_staff_do_not_close_their_account_here(client: Client, staff: User) -> None:
    client.force_login(staff)
    say_who(client)
    assert "You are staff" in client.get(URL).text
    assert press(client).status_code == 409
    with pytest.raises(CannotClose, match="You are staff"):
        close_account(staff, now=NOW)
    assert not is_closed(staff)


# Closing


def test_closing_leaves_the_device_its_own_zone_and_not_the_chosen_one(at_home: Client, ann: User) -> None:
    at_home.cookies["tz"], at_home.cookies["tz_detected"] = "Europe/Lisbon", "Asia/Kolkata"
    done = press(at_home)
    assert done["Location"] == "/"
    assert done.cookies["tz"].value == "Asia/Kolkata"


def test_closing_leaves_no_zone_where_the_device_told_none(at_home: Client, ann: User) -> None:
    at_home.cookies["tz"] = "Europe/Lisbon"
    assert press(at_home).cookies["tz"].value == ""


def test_who_left_is_signed_out_and_may_begin_anew(at_home: Client, ann: User) -> None:
    elsewhere = Client()
    elsewhere.post("/accounts/login/", {"login": EMAIL, "password": "office-hours"})
    press(at_home)
    assert "Your account is closed" in at_home.get("/").text
    for browser in (at_home, elsewhere):
        assert browser.get("/my-sessions/").status_code == 302
    at_home.post("/accounts/login/", {"login": EMAIL, "password": "office-hours"})
    assert at_home.get("/my-sessions/").status_code == 302
    again = {"name": "Ann Anew", "email": EMAIL, "password1": "hours-office", "password2": "hours-office"}
    at_home.post("/accounts/signup/", again)
    assert User.objects.get(email=EMAIL).name == "Ann Anew"


def test_a_form_that_shows_something_else_by_now_closes_nothing(at_home: Client, ann: User) -> None:
    for shown in ("", "other"):
        answer = at_home.post(URL, {"shown": shown})
        assert answer.status_code == 409
        assert "has changed" in answer.text
    before = meaning_for(ann, NOW).token
    BookingFactory(student=ann, status=Status.REQUESTED)
    assert at_home.post(URL, {"shown": before}).status_code == 409
    with pytest.raises(MeaningChanged):
        close_account(ann, now=NOW, shown=before)
    assert not is_closed(ann)
    assert press(at_home)["Location"] == "/"


def test_closing_twice_is_quiet(ann: User) -> None:
    close_account(ann, now=NOW)
    close_account(ann, now=NOW + timedelta(days=1))
    ann.refresh_from_db()
    assert ann.closed_at == NOW
    assert Message.objects.count() == 1


def test_a_closed_account_is_never_active_again(client: Client, ann: User, staff: User) -> None:
    close_account(ann, now=NOW)
    client.force_login(staff)
    client.post("/admin/accounts/user/", {"action": "activate", "_selected_action": [ann.pk]})
    page = f"/admin/accounts/user/{ann.pk}/change/"
    assert client.get(page).status_code == 200
    assert client.post(page, {"email": "new@example.com", "is_active": "on"}).status_code == 403
    ann.refresh_from_db()
    assert not ann.is_active
    for again in ({"is_active": True}, {"name": NAME}, {"email": EMAIL}, {"phone": "+491"}):
        with pytest.raises(IntegrityError, match="user_closed_is_nobody"), transaction.atomic():
            User.objects.filter(pk=ann.pk).update(**again)


# What is in the way


def test_agreed_sessions_come_first_and_lead_to_what_cancelling_costs(at_home: Client, ann: User) -> None:
    booking = BookingFactory(student=ann, session_type__price_minor=100_000)
    page = at_home.get(URL).text
    assert f'href="{booking.get_absolute_url()}cancellation/"' in page
    assert "Wednesday 9 December 2026, 6:30 am, Europe/Lisbon" in page
    assert press(at_home).status_code == 409
    with pytest.raises(CannotClose, match="Career Guidance"):
        close_account(ann, now=NOW)
    cancel(booking.pk, actor=ann, now=NOW)
    assert press(at_home)["Location"] == "/"


def test_a_session_that_is_going_on_comes_first_and_one_behind_does_not(ann: User) -> None:
    BookingFactory(student=ann, starts_at=NOW - timedelta(hours=5))
    going_on = BookingFactory(student=ann, starts_at=NOW - timedelta(minutes=30))
    [obstacle] = meaning_for(ann, NOW).obstacles
    assert "going on" in obstacle.words
    assert obstacle.url == going_on.get_absolute_url()


@pytest.mark.parametrize(("price", "where"), [(0, "cancellation/"), (100_000, "")])
def test_a_mentors_agreed_sessions_come_first(mentor: Mentor, price: int, where: str) -> None:
    booking = BookingFactory(session_type__mentor=mentor, session_type__price_minor=price)
    [obstacle] = meaning_for(mentor.user, NOW).obstacles
    assert obstacle.url == booking.get_absolute_url() + where
    with pytest.raises(CannotClose):
        close_account(mentor.user, now=NOW)
    mentor.refresh_from_db()
    assert (mentor.slug, mentor.is_paused) == ("meera-rao", False)


def test_nothing_is_half_closed_when_something_was_booked_this_very_moment(ann: User) -> None:
    def book_meanwhile(**_: object) -> None:
        BookingFactory(student=ann, status=Status.REQUESTED)

    account_closing.connect(book_meanwhile)
    try:
        with pytest.raises(CannotClose, match="this very moment"):
            close_account(ann, now=NOW)
    finally:
        account_closing.disconnect(book_meanwhile)
    assert not is_closed(ann)
    assert (ann.name, ann.email) == (NAME, EMAIL)
    assert EmailAddress.objects.filter(user=ann).exists()
    assert not Message.objects.exists()


# What ends


@pytest.mark.parametrize("status", [Status.REQUESTED, Status.AWAITING_PAYMENT])
@pytest.mark.parametrize("as_mentor", [False, True], ids=["student", "mentor"])
def test_requests_and_unpaid_holds_end(ann: User, mentor: Mentor, status: Status, as_mentor: bool) -> None:
    booking = BookingFactory(session_type__mentor=mentor, student=ann, status=status)
    who = mentor.user if as_mentor else ann
    assert "end" in " ".join(meaning_for(who, NOW).effects)
    close_account(who, now=NOW)
    booking.refresh_from_db()
    assert booking.status == Status.CANCELLED
    assert not TimeClaim.objects.exists()


def test_nobody_books_with_or_for_a_closed_account(ann: User, mentor: Mentor, student: User) -> None:
    start = NOW + timedelta(days=7, hours=-3)
    free = SessionTypeFactory(mentor=mentor, price_minor=0)
    asks = {"session_type": free, "duration_minutes": 60, "starts_at": start, "now": NOW}
    close_account(ann, now=NOW)
    with pytest.raises(NotBookable, match="switched off"):
        book(student=ann, **asks)
    close_account(mentor.user, now=NOW)
    with pytest.raises(NotBookable, match="takes no bookings"):
        book(student=student, **asks)


def test_a_payment_that_comes_after_the_student_left_schedules_nothing(ann: User) -> None:
    booking = BookingFactory(session_type__price_minor=100_000, student=ann, status=Status.EXPIRED)
    close_account(ann, now=NOW)
    with transaction.atomic():
        lock_booking(booking.pk)
        with pytest.raises(SlotGone, match="closed"):
            confirm(booking.pk, now=NOW)


# What goes, and what stays


# Rows that are all that is left of the address, and go when they have served.
UNTIL_DONE = {"notifications.message": "the farewell", "payments.formerpayee": "what is still to be paid out"}


def everything_kept() -> dict[str, str]:
    """Every row of every table as text, by table."""
    return {
        model._meta.label_lower: serializers.serialize("json", model._base_manager.all())
        for model in apps.get_models()
    }


def test_no_table_keeps_a_word_about_somebody_who_left(
    rich: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    before = everything_kept()
    assert {trace for trace in TRACES if any(trace in rows for rows in before.values())} == set(TRACES)
    with django_capture_on_commit_callbacks(execute=True):
        close_account(rich, now=NOW)
    left = {
        (table, trace)
        for table, rows in everything_kept().items()
        for trace in TRACES
        if trace.lower() in rows.lower()
    }
    assert {table for table, _ in left} <= UNTIL_DONE.keys(), left
    outbox.deliver(Message.objects.get(kind=Kind.ACCOUNT_CLOSED).pk, now=NOW)
    assert not any(trace in everything_kept()["notifications.message"] for trace in TRACES)


def test_the_photo_file_goes_too(
    rich: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    photo = rich.mentor.photo
    assert photo.storage.exists(photo.name)
    with django_capture_on_commit_callbacks(execute=True):
        close_account(rich, now=NOW)
    assert not photo.storage.exists(photo.name)


def test_sessions_and_money_stay_without_the_name(rich: User) -> None:
    rows = {model: model.objects.count() for model in (Booking, Payment, Review, BookingEvent)}
    mean = Mentor.objects.exclude(user=rich).get(rating_mean__isnull=False).rating_mean
    close_account(rich, now=NOW)
    assert {model: model.objects.count() for model in rows} == rows
    assert Mentor.objects.exclude(user=rich).get(rating_mean__isnull=False).rating_mean == mean
    assert not Authenticator.objects.filter(user=rich).exists()
    rich.refresh_from_db()
    assert (rich.groups.count(), rich.is_mentor, rich.has_usable_password()) == (0, False, False)


def test_the_other_side_reads_former_member(client: Client, rich: User, student: User) -> None:
    close_account(rich, now=NOW)
    of_mentor = Booking.objects.get(mentor__user=rich)
    client.force_login(student)
    pages = [
        "/my-sessions/?show=all",
        of_mentor.get_absolute_url(),
        f"{of_mentor.get_absolute_url()}receipt/",
    ]
    pages += ["/payments/"]
    for page in pages:
        answer = client.get(page)
        assert answer.status_code == 200
        assert "Former member" in answer.text, page
        assert "former-member" not in answer.text, page
    assert client.get(f"{of_mentor.get_absolute_url()}receipt.pdf").status_code == 200
    [review] = Review.objects.all()
    assert "Former member" in client.get(f"/mentors/{review.booking.mentor.slug}/").text
    assert client.get("/mentors/ann-zebra-quill/").status_code == 404
    receipt = make_receipt(Payment.objects.get(booking__student=rich))
    assert (receipt.student.name, receipt.student.contact) == ("Former member", "")


# Messages


def test_the_farewell_goes_to_the_old_address_and_is_the_last(rich: User) -> None:
    waiting = Message.objects.create(
        event="soon", kind=Kind.PAID_TWICE, recipient=rich, booking=Booking.objects.first(), due_at=NOW,
        created_at=NOW,
    )  # fmt: skip
    close_account(rich, now=NOW)
    late = Message.objects.create(
        event="late",
        kind=Kind.PAID_TWICE,
        recipient=rich,
        booking=waiting.booking,
        due_at=NOW,
        created_at=NOW,
    )
    for pk in outbox.due(NOW):
        outbox.deliver(pk, now=NOW)
    [farewell] = mail.outbox
    assert (farewell.to, farewell.subject) == ([EMAIL], "Your account is closed")
    assert "If it was not you" in farewell.body
    for message in (waiting, late):
        message.refresh_from_db()
        assert message.status == MessageStatus.DROPPED


def test_a_farewell_that_cannot_be_delivered_keeps_no_address(ann: User, settings) -> None:
    settings.EMAIL_BACKEND = "tests.notifications.mailers.Refusing"
    close_account(ann, now=NOW)
    now = NOW
    for _ in range(outbox.MAX_ATTEMPTS):
        row = Message.objects.get()
        now = max(now, row.due_at)
        outbox.deliver(row.pk, now=now)
    row.refresh_from_db()
    assert (row.status, row.address) == (MessageStatus.FAILED, "")
    with pytest.raises(outbox.NotResendable):
        outbox.resend(row.pk, now=now)


# Money that is still on its way


def test_staff_still_know_whom_to_pay_until_it_is_paid(client: Client, rich: User, staff: User) -> None:
    assert "You have earned ₹1,000" in " ".join(meaning_for(rich, NOW).effects)
    close_account(rich, now=NOW)
    client.force_login(staff)
    page = "/admin/payments/payout/add/"
    assert f"{NAME} (account closed)" in client.get(page).text
    chosen = f"{page}?mentor={rich.mentor.pk}&currency=INR"
    assert EMAIL in client.get(chosen).text
    delete_paid_payees(NOW + timedelta(days=400))
    assert FormerPayee.objects.exists()
    client.post(chosen, {"amount_minor": "100000", "transfer_reference": "SEPA-1"})
    delete_paid_payees(NOW + timedelta(days=59))
    assert FormerPayee.objects.get().email == EMAIL
    delete_paid_payees(NOW + timedelta(days=61))
    assert not FormerPayee.objects.exists()


def test_nobody_is_kept_as_a_payee_to_whom_nothing_is_owed(ann: User, mentor: Mentor) -> None:
    for user in (ann, mentor.user):
        close_account(user, now=NOW)
    assert not FormerPayee.objects.exists()
