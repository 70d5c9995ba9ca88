"""Staff's lists: found by references, names and addresses, at the same cost with any number of rows."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from bookings.models import Booking, Review
from lib import admin_lists
from lib.admin_lists import BoundedListAdmin
from tests import factories

pytestmark = pytest.mark.django_db

# As many rows as there are kinds of something, or as staff have typed themselves.
SMALL = {
    "auth.group",
    "mentors.skill",
    "mentors.language",
    "mentors.field",
    "config.plainpage",
    "config.sweep",
    "config.failingrow",
}


def lists() -> Iterator[tuple[type[Model], ModelAdmin]]:
    for model, options in admin.site._registry.items():
        if model._meta.label_lower not in SMALL:
            yield model, options


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def booking() -> Booking:
    return factories.BookingFactory(
        student__name="Asha Rao",
        student__email="asha@example.com",
        session_type__mentor__user__name="Boris Ivanov",
    )


def found(desk: Client, q: str) -> list[Booking]:
    page = desk.get(reverse("admin:bookings_booking_changelist"), {"q": q})
    return list(page.context["cl"].result_list)


def test_lists_are_bounded_and_have_no_date_hierarchy() -> None:
    for model, options in lists():
        assert isinstance(options, BoundedListAdmin), model
        assert options.date_hierarchy is None, model


def test_lists_are_ordered_and_sorted_by_an_index() -> None:
    for model, options in lists():
        indexed = {index.fields[0] for index in model._meta.indexes if index.fields and not index.condition}
        indexed |= {field.name for field in model._meta.fields if field.unique or field.db_index}
        indexed |= {
            constraint.fields[0]
            for constraint in model._meta.constraints
            if getattr(constraint, "fields", None)
        }
        asked = [*(options.ordering or model._meta.ordering or ["pk"])[:1], *options.sortable_by]
        assert {name.lstrip("-") for name in asked} <= indexed | {"pk", "email"}, model


@pytest.mark.parametrize(
    "q", ["asha", "ASHA rao", "asha@example.com", "rao asha@", "boris", "ivanov boris", " Boris "]
)
def test_session_is_found_by_either_persons_name_or_address(desk: Client, booking: Booking, q: str) -> None:
    factories.BookingFactory()
    assert found(desk, q) == [booking]


def test_whole_address_finds_its_person_alone_and_a_part_whoever_has_it(desk: Client) -> None:
    asha, natasha = (
        factories.BookingFactory(student__email=f"{name}@example.com") for name in ("asha", "natasha")
    )
    assert found(desk, "Asha@Example.com") == [asha]
    assert set(found(desk, "asha@example")) == {asha, natasha}


@pytest.mark.parametrize(
    ("query", "count"), [("", 2), ("?rating=5", 1), ("?rating=3", 0), ("?rating=odd", 2)]
)
def test_reviews_are_narrowed_down_by_their_stars_without_asking_which_there_are(
    desk: Client, query: str, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for rating in (4, 5):
        Review.objects.create(booking=factories.BookingFactory(), rating=rating, created_at=factories.NOW)
    with django_assert_num_queries(4):  # session, person, the count, the rows
        page = desk.get(reverse("admin:bookings_review_changelist") + query)
    assert page.context["cl"].result_count == count


def test_session_is_found_by_its_reference_as_people_type_it(desk: Client, booking: Booking) -> None:
    other = factories.BookingFactory()
    assert found(desk, f" {booking.reference.lower()} ") == [booking]
    assert found(desk, other.reference) == [other]


@pytest.mark.parametrize("q", ["asha ivanov", "nobody", "SESSION-", "%", "_"])
def test_nothing_else_is_found(desk: Client, booking: Booking, q: str) -> None:
    assert found(desk, q) == []


def test_list_counts_no_further_than_it_leads(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_lists, "MOST_ROWS", 3)
    for _ in range(4):
        factories.BookingFactory()
    page = desk.get(reverse("admin:bookings_booking_changelist"))
    assert "More than 3 bookings" in " ".join(page.text.split())
    Booking.objects.first().delete()
    page = desk.get(reverse("admin:bookings_booking_changelist"))
    assert "> 3 bookings" in " ".join(page.text.split())
    assert "More than" not in page.text


def test_search_says_when_it_leaves_people_out(
    desk: Client, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_lists, "MOST_RELATED", 1)
    address = reverse("admin:bookings_booking_changelist")
    assert "are left out" not in desk.get(address, {"q": "asha"}).text
    factories.UserFactory(name="Asha Nair")
    assert "are left out" in desk.get(address, {"q": "asha"}).text


@pytest.mark.parametrize("count", [1, 30])
def test_list_costs_the_same_for_one_and_for_thirty(
    desk: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        factories.BookingFactory(student__name="Asha")
    assert User.objects.count() > count
    with django_assert_num_queries(4):
        desk.get(reverse("admin:bookings_booking_changelist"))
    with django_assert_num_queries(7):
        assert len(found(desk, "asha")) == count
