from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db.models.signals import post_init
from django.urls import reverse

from mentors.models import Mentor
from payments.models import Payment, PaymentStatus, RefundStatus
from payments.reports.earnings import (
    Month,
    State,
    available_earnings,
    earnings_of,
    make_earnings,
    months_of,
    totals_of,
)
from payments.reports.earnings_chart import BASE, GRID_LINES, TOP, grid_step, plot_months
from payments.services.payouts import record_payout, return_payout
from tests.factories import NOW, BookingFactory, MentorFactory, SessionTypeFactory
from tests.payments.factories import paid_session, payment_of, refunded

pytestmark = pytest.mark.django_db
URL = reverse("dashboard_earnings")
KOLKATA = ZoneInfo("Asia/Kolkata")


@pytest.fixture
def earn(mentor):
    """A paid session of Meera's, over for a week unless said otherwise."""
    session_type = SessionTypeFactory(mentor=mentor)
    return lambda **changes: paid_session(session_type=session_type, **changes)


@pytest.fixture
def pay_out(mentor, staff):
    def pay(now=NOW):
        available = sum(each.available for each in available_earnings(mentor, "INR", now))
        return record_payout(
            mentor=mentor,
            currency="INR",
            amount_minor=available,
            transfer_reference=f"NEFT-{mentor.payouts.count() + 1}",
            actor=staff,
            now=now,
        )

    return pay


@pytest.fixture
def page(client, mentor):
    """The page's words as the mentor reads them."""
    client.force_login(mentor.user)
    return lambda query="": " ".join(client.get(URL + query).content.decode().split())


def only(mentor, now=NOW):
    (earning,) = make_earnings(earnings_of(mentor, now), now)
    return earning


# What is whose, and when


@pytest.mark.parametrize(
    ("ended_ago", "state"),
    [
        (timedelta(days=-7), State.PENDING),
        (timedelta(0), State.PENDING),
        (timedelta(hours=48) - timedelta(seconds=1), State.PENDING),
        (timedelta(hours=48), State.AVAILABLE),
        (timedelta(days=400), State.AVAILABLE),
    ],
)
def test_share_is_pending_until_48_hours_after_the_end(mentor, earn, ended_ago, state):
    earn(ended_ago=ended_ago)
    earning = only(mentor)
    assert (earning.state, earning.share) == (state, 100_000)
    assert (earning.pending, earning.available) in {(100_000, 0), (0, 100_000)}


def test_share_is_held_while_a_dispute_is_open(mentor, earn):
    earn()
    Payment.objects.update(is_disputed=True)
    assert only(mentor).state is State.PENDING


def test_share_that_was_paid_out_says_so(mentor, earn, pay_out):
    earn()
    pay_out()
    earning = only(mentor)
    assert (earning.state, earning.due, earning.paid) == (State.PAID_OUT, 0, 100_000)


@pytest.mark.parametrize("status", [RefundStatus.SUCCEEDED, RefundStatus.PENDING, RefundStatus.FAILED])
def test_part_that_goes_back_comes_out_of_the_share(mentor, earn, status):
    refunded(earn(), 40_000, status=status)
    earning = only(mentor)
    assert (earning.share, earning.fee, earning.back) == (60_000, 5_000, 40_000)


def test_nothing_is_left_of_what_went_back_whole(mentor, earn):
    refunded(earn(), 105_000)
    earning = only(mentor)
    assert (earning.state, earning.share, earning.fee) == (State.NOTHING, 0, 0)


@pytest.mark.parametrize("status", sorted(set(PaymentStatus) - {PaymentStatus.SUCCEEDED}))
def test_money_that_did_not_come_in_is_nobodys(mentor, earn, status):
    earn()
    Payment.objects.update(status=status)
    assert not earnings_of(mentor, NOW)


def test_money_that_came_twice_counts_once(mentor, earn):
    payment = earn()
    payment_of(payment.booking, paid_at=NOW, is_surplus=True, provider_ref="B", payment_id="PAY-B")
    assert only(mentor).share == 100_000


def test_totals_are_by_currency_and_add_up(mentor, earn, pay_out):
    earn(ended_ago=timedelta(days=9))
    pay_out()
    earn(price_minor=30_000)
    earn(price_minor=20_000, ended_ago=timedelta(hours=2))
    earn(price_minor=7_500, fee_minor=375, currency="USD", ended_ago=timedelta(days=11))
    found = [
        (each.currency, each.pending, each.available, each.paid_out) for each in totals_of(mentor.user, NOW)
    ]
    assert found == [("INR", 20_000, 30_000, 100_000), ("USD", 0, 7_500, 0)]


def test_earnings_are_ones_own(earn):
    earn()
    assert not earnings_of(MentorFactory(), NOW)


# By month


def test_months_are_the_last_twelve_by_the_mentors_calendar(mentor, earn):
    earn()
    earn(ended_ago=timedelta(days=9), price_minor=1)
    earn(ended_ago=timedelta(days=365))
    found = months_of(mentor, ["INR"], KOLKATA, NOW)["INR"]
    assert (found[0].first, found[-1].first) == (date(2026, 1, 1), date(2026, 12, 1))
    assert [each for each in found if each.sessions] == [Month(date(2026, 11, 1), 2, 100_001)]


def test_month_is_the_one_on_the_readers_wall(mentor, earn):
    earn(ended_ago=timedelta(days=1, hours=11))  # 30 November, 7:30 pm UTC
    in_kolkata, in_london = (
        each.first
        for zone in (KOLKATA, ZoneInfo("Europe/London"))
        for each in months_of(mentor, ["INR"], zone, NOW)["INR"]
        if each.sessions
    )
    assert (in_kolkata, in_london) == (date(2026, 12, 1), date(2026, 11, 1))


def test_month_leaves_out_sessions_ahead_and_what_went_back(mentor, earn):
    earn(ended_ago=timedelta(hours=-3))
    refunded(earn(ended_ago=timedelta(hours=3)), 105_000)
    assert not any(each.sessions for each in months_of(mentor, ["INR"], KOLKATA, NOW)["INR"])


# The plot


def month(share, number=1) -> Month:
    return Month(date(2026, number, 1), 1, share)


@pytest.mark.parametrize(
    ("highest", "step"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 5), (100_000, 50_000), (1_234_567, 500_000)]
)
def test_grid_has_round_amounts_and_few_lines(highest, step):
    assert grid_step(highest) == step
    assert highest / step <= GRID_LINES


def test_bars_are_as_high_as_their_share():
    plot = plot_months([month(100_000), month(50_000, 2), month(0, 3), month(1, 4)], "INR")
    assert [bar.height for bar in plot.bars] == [BASE - TOP, (BASE - TOP) // 2, 0, 3]
    assert plot.bars[0].words == "January 2026: ₹1,000"
    assert [line.label for line in plot.grid] == ["₹0", "₹500", "₹1,000"]
    assert plot.grid[-1].y == TOP


def test_nothing_earned_is_no_plot():
    assert plot_months([month(0)], "INR") is None


def test_bars_stay_beside_each_other():
    plot = plot_months([month(1, number) for number in range(1, 13)], "JPY")
    edges = [(bar.x, bar.x + bar.width) for bar in plot.bars]
    assert all(end < start for (_, end), (start, _) in pairwise(edges))
    assert edges[-1][1] <= plot.width


# The page


def test_anonymous_signs_in(client):
    assert client.get(URL)["Location"] == f"{reverse('account_login')}?next={URL}"


@pytest.mark.parametrize("person", ["student", "staff", "stranger"])
def test_who_is_no_mentor_finds_nothing(client, request, earn, person):
    earn()
    client.force_login(request.getfixturevalue(person))
    assert client.get(URL).status_code == 404


def test_who_was_turned_down_finds_nothing(client, mentor):
    Mentor.objects.update(status="rejected")
    client.force_login(mentor.user)
    assert client.get(URL).status_code == 404


def test_page_takes_no_post(client, mentor):
    client.force_login(mentor.user)
    assert client.post(URL).status_code == 405


def test_page_shows_nobody_elses_money(client, earn):
    payment = earn()
    client.force_login(MentorFactory().user)
    shown = client.get(URL).content.decode()
    assert "Nothing earned yet" in shown
    assert payment.booking.reference not in shown


def test_page_shows_the_numbers_the_sessions_and_the_payouts(page, earn, pay_out):
    payment = earn(ended_ago=timedelta(days=9), type_name="Mock Interview", student__name="Asha Rao")
    payout = pay_out()
    earn(price_minor=123_456_750, fee_minor=50)
    earn(price_minor=20_000, ended_ago=timedelta(hours=2))
    shown = page()
    for part in (
        "₹12,34,567.50",
        "₹12,34,568.00",
        "Mock Interview",
        "Asha Rao",
        payment.booking.reference,
        "Paid out 2 Dec 2026",
        "Available",
        "Pending until 4 Dec 2026",
        payout.reference,
        "NEFT-1",
        'role="img"',
        "November 2026",
    ):
        assert part in shown, part
    assert "<style" not in shown
    assert "style=" not in shown


def test_page_says_what_the_next_payout_makes_good(page, mentor, earn, pay_out):
    payment = earn()
    pay_out()
    refunded(payment, 30_000)
    shown = page()
    assert "₹300 comes off the next payout" in shown
    assert "-₹300" in shown
    Payment.objects.update(refunded_minor=0)
    Payment.objects.filter(pk=payment.pk).update(amount_minor=115_000)
    assert "₹100 more comes with the next payout" in page()


def test_page_says_why_a_share_is_held(page, earn):
    earn()
    Payment.objects.update(is_disputed=True)
    assert "Held: the payment is in dispute" in page()


def test_page_says_that_a_transfer_came_back(page, staff, earn, pay_out):
    earn()
    return_payout(pay_out().pk, actor=staff, now=NOW)
    shown = page()
    assert "came back 2 Dec 2026" in shown
    assert "Paid out 2 Dec" not in shown


def test_each_currency_has_its_own_figures(page, earn):
    earn()
    earn(currency="JPY", price_minor=7_500, fee_minor=0, ended_ago=timedelta(days=9))
    shown = page()
    assert shown.count('class="figures"') == shown.count('<svg class="plot"') == 2
    assert "¥7,500" in shown


def test_free_sessions_earn_nothing(page, mentor):
    BookingFactory(session_type=SessionTypeFactory(mentor=mentor, price_minor=0))
    assert "Nothing earned yet" in page()


def test_page_has_pages(page, earn):
    for days in range(21):
        earn(ended_ago=timedelta(days=days + 1))
    assert page().count('data-label="Student paid"') == 20
    assert page("?page=2").count('data-label="Student paid"') == 1
    assert page("?page=odd").count('data-label="Student paid"') == 20


@pytest.mark.parametrize("count", [1, 30])
def test_page_costs_the_same_for_one_session_and_for_thirty(
    client, mentor, earn, pay_out, count, django_assert_num_queries
):
    for days in range(count):
        earn(ended_ago=timedelta(days=days + 3))
    pay_out()
    client.force_login(mentor.user)
    # session, person, mentor; sums, months; how many, a page of them, their payouts; payouts
    with django_assert_num_queries(9):
        client.get(URL)


def test_page_loads_the_payments_of_one_page(client, mentor, earn):
    for days in range(25):
        earn(ended_ago=timedelta(days=days + 3))
    client.force_login(mentor.user)
    loaded = []

    def count(instance, **_):
        loaded.append(instance)

    post_init.connect(count, sender=Payment)
    try:
        client.get(URL)
    finally:
        post_init.disconnect(count, sender=Payment)
    assert len(loaded) == 20


def test_dashboard_leads_to_the_page(client, mentor):
    client.force_login(mentor.user)
    assert f'href="{URL}"' in client.get(reverse("dashboard")).content.decode()
