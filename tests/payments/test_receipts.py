import io
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from pypdf import PdfReader

from payments.models import Payment, PaymentStatus, RefundStatus
from payments.reports.receipt_pdf import draw, printable
from payments.reports.receipts import make_receipt
from tests.factories import NOW, BookingFactory, UserFactory
from tests.payments.factories import paid_session, payment_of, refunded

pytestmark = [pytest.mark.django_db, pytest.mark.once]
NAMES = ("session_receipt", "session_receipt_page")


@pytest.fixture
def payment(student) -> Payment:
    return paid_session(student=student, price_minor=123_456_700, fee_minor=50)


def url(name, payment) -> str:
    return reverse(name, args=[payment.booking.reference])


def words_of(pdf: bytes) -> str:
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(text.split())


def drawn(payment) -> str:
    return words_of(draw(make_receipt(Payment.objects.get(pk=payment.pk))))


# Who may


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("person", "status"), [("student", 200), ("staff", 200), ("stranger", 404)])
def test_receipt_is_there_for_who_paid_and_for_staff(client, request, payment, name, person, status):
    client.force_login(request.getfixturevalue(person))
    assert client.get(url(name, payment)).status_code == status


@pytest.mark.parametrize("name", NAMES)
def test_receipt_is_not_the_mentors(client, payment, name):
    client.force_login(payment.booking.mentor.user)
    assert client.get(url(name, payment)).status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_anonymous_signs_in(client, payment, name):
    response = client.get(url(name, payment))
    assert response["Location"] == f"{reverse('account_login')}?next={url(name, payment)}"


@pytest.mark.parametrize("name", NAMES)
def test_receipt_takes_no_post(client, student, payment, name):
    client.force_login(student)
    assert client.post(url(name, payment)).status_code == 405


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", sorted(set(PaymentStatus) - {PaymentStatus.SUCCEEDED}))
def test_unpaid_session_has_no_receipt(client, student, payment, name, status):
    Payment.objects.update(status=status)
    client.force_login(student)
    assert client.get(url(name, payment)).status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_free_session_has_no_receipt(client, student, name):
    booking = BookingFactory(student=student)
    client.force_login(student)
    assert client.get(reverse(name, args=[booking.reference])).status_code == 404


def test_money_that_came_twice_is_on_no_receipt(client, student, payment):
    payment_of(payment.booking, paid_at=NOW, is_surplus=True, provider_ref="B", payment_id="PAY-B")
    client.force_login(student)
    shown = client.get(url("session_receipt_page", payment)).content.decode()
    assert "PAY-B" not in shown
    assert payment.payment_id in shown


# What it says


def test_page_and_paper_say_the_same(client, student, payment, settings):
    settings.TAX_LINE = "GSTIN 29ABCDE1234F1Z5, GST of 18% included"
    refunded(payment, 100_000)
    client.force_login(student)
    page = client.get(url("session_receipt_page", payment)).content.decode()
    paper = words_of(client.get(url("session_receipt", payment)).content)
    for part in (
        payment.reference,
        payment.reference.replace("ORDER", "RECEIPT"),
        payment.payment_id,
        payment.booking.reference,
        "Mock",
        "Arjun Kapoor",
        "arjun@example.com",
        payment.booking.mentor.user.name,
        f"/mentors/{payment.booking.mentor.slug}/",
        "Career Guidance",
        "Monday 23 November 2026",
        "Wednesday 25 November 2026",
        "6:30 am to 7:30 am, Europe/Berlin (GMT+1)",
        "₹12,34,567.00",
        "₹0.50",
        "₹12,34,567.50",
        settings.TAX_LINE,
        "₹1,000.00",
        "₹12,33,567.50",
        "The session was cancelled",
    ):
        assert part in page, part
        assert part in paper, part


def test_mentors_address_is_not_given_away(client, student, payment):
    client.force_login(student)
    secret = payment.booking.mentor.user.email
    assert secret not in client.get(url("session_receipt_page", payment)).content.decode()
    assert secret not in drawn(payment)


def test_without_refund_and_tax_neither_is_mentioned(payment):
    paper = drawn(payment)
    assert "Refund" not in paper
    assert "GST" not in paper


def test_refund_on_its_way_is_not_back_yet(payment):
    refunded(payment, 100_000, status=RefundStatus.PENDING)
    receipt = make_receipt(payment)
    assert (receipt.refunds[0].label, receipt.kept) == ("Refund on its way", "₹12,34,567.50")


def test_refund_that_was_dropped_is_not_on_the_receipt(payment):
    refunded(payment, 100_000, status=RefundStatus.DROPPED)
    assert make_receipt(payment).refunds == ()


def test_chargeback_is_on_the_receipt(payment):
    Payment.objects.update(lost_minor=payment.amount_minor)
    assert "Returned through your bank ₹12,34,567.50 Paid after refunds ₹0.00" in drawn(payment)


@pytest.mark.parametrize(
    ("currency", "price", "fee", "total"),
    [
        ("INR", "₹1,499.99", "₹75.00", "₹1,574.99"),
        ("USD", "$1,499.99", "$75.00", "$1,574.99"),
        ("JPY", "¥149,999", "¥7,500", "¥157,499"),
        ("KRW", "₩149,999", "₩7,500", "₩157,499"),
        ("KWD", "KWD\N{NO-BREAK SPACE}149.999", "KWD\N{NO-BREAK SPACE}7.500", "KWD\N{NO-BREAK SPACE}157.499"),
        (
            "CHF",
            "CHF\N{NO-BREAK SPACE}1,499.99",
            "CHF\N{NO-BREAK SPACE}75.00",
            "CHF\N{NO-BREAK SPACE}1,574.99",
        ),
    ],
)
def test_amounts_are_exact_in_every_kind_of_currency(currency, price, fee, total):
    payment = paid_session(price_minor=149_999, fee_minor=7_500, currency=currency)
    receipt = make_receipt(payment)
    assert (receipt.price, receipt.fee, receipt.total) == (price, fee, total)
    assert f"Session {price} Platform fee {fee} Total paid {total}".replace("\xa0", " ") in drawn(payment)


# The paper


def test_same_receipt_is_the_same_bytes(payment):
    refunded(payment, 1)
    with time_machine.travel(NOW):
        before = draw(make_receipt(payment))
    with time_machine.travel(NOW + timedelta(days=400)):
        assert draw(make_receipt(payment)) == before


def test_paper_is_named_light_and_has_its_fonts_with_it(client, student, payment):
    client.force_login(student)
    response = client.get(url("session_receipt", payment))
    number = payment.reference.replace("ORDER", "receipt").lower()
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == f'attachment; filename="{number}.pdf"'
    assert len(response.content) < 60_000
    resources = PdfReader(io.BytesIO(response.content)).pages[0]["/Resources"]
    faces = [each.get_object()["/DescendantFonts"][0].get_object() for each in resources["/Font"].values()]
    assert {face["/BaseFont"].split("+")[1] for face in faces} == {"NotoSans", "NotoSansBold"}
    assert all("/FontFile2" in face["/FontDescriptor"] for face in faces)


@pytest.mark.parametrize(
    ("name", "on_paper"),
    [
        ("Łukasz Žižek", "Łukasz Žižek"),
        ("Жанна Ωμέγα Nguyễn", "Жанна Ωμέγα Nguyễn"),
        ("Asha 🎓 Rao", "Asha Rao"),
        ("Zoe\u0308 Park", "Zoë Park"),
        ("मीरा राव", ""),
        ("李小龍", ""),
        ("محمد علي", ""),
        ("🎓", ""),
    ],
)
def test_name_in_any_script(name, on_paper):
    assert printable(name, otherwise="") == on_paper
    student = UserFactory(name=name, email="somebody@example.com")
    paper = drawn(paid_session(student=student, type_name=name))
    assert "somebody@example.com" in paper
    assert on_paper in paper


def test_characters_that_no_font_has_are_left_out():
    assert printable("\x00\ud7ff", otherwise="") == ""


def test_long_receipt_goes_on_to_another_page(payment):
    for _ in range(40):
        refunded(payment, 100)
    pdf = draw(make_receipt(payment))
    assert len(PdfReader(io.BytesIO(pdf)).pages) > 1
    assert words_of(pdf).count("REFUND-") == 40


# Where it is found


@pytest.mark.parametrize("name", ["session_detail", "session_confirmation"])
def test_session_leads_to_its_receipt(client, student, name):
    payment = paid_session(student=student, ended_ago=timedelta(days=-2))
    client.force_login(student)
    assert url("session_receipt", payment) in client.get(url(name, payment)).content.decode()


def test_mentors_and_unpaid_sessions_lead_to_none(client, student, payment):
    client.force_login(payment.booking.mentor.user)
    assert "Download Receipt" not in client.get(url("session_detail", payment)).content.decode()
    client.force_login(student)
    Payment.objects.update(status=PaymentStatus.EXPIRED)
    assert "Download Receipt" not in client.get(url("session_detail", payment)).content.decode()
