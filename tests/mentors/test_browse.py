import random
import re
from collections.abc import Callable
from datetime import time, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from bookings.services import rebuild_openings
from mentors import services
from mentors.browse import fields_with_counts, mentors_of_fields
from mentors.models import Facet, Field, Mentor, Skill, words_of
from mentors.services import keep_figures, keep_prices, keep_words, update_profile
from tests import factories
from tests.factories import NOW

URL = "/mentors/"


def listed(client: Client, query: str = "") -> list[str]:
    keep_figures(NOW)
    for keep in (keep_words, keep_prices):
        keep(Mentor.objects.all())
    return shown(client, query)


def shown(client: Client, query: str) -> list[str]:
    """With what was kept before."""
    response = client.get(f"{URL}?{query}")
    assert response.status_code == 200
    return [card.mentor.slug for card in response.context["cards"]]


Make = Callable[..., Mentor]


@pytest.fixture
def make(db: None) -> Make:
    """`make("asha", skills=["Python"], prices=[(50_000, "INR")], …)`; without `prices` there is one session type."""

    def make(
        slug: str, *, skills: list[str] | None = None, languages: list[str] | None = None,
        prices: list[tuple[int, str]] | None = None, **facts: object,
    ) -> Mentor:  # fmt: skip
        mentor = factories.MentorFactory(slug=slug, user__name=slug.title(), **facts)
        for name in skills or []:
            mentor.skills.add(factories.SkillFactory(name=name, slug=name.lower()))
        for code in languages or []:
            mentor.languages.add(factories.LanguageFactory(code=code))
        for price, currency in [(100_000, "INR")] if prices is None else prices:
            factories.SessionTypeFactory(mentor=mentor, price_minor=price, currency=currency)
        mine = Mentor.objects.filter(pk=mentor.pk)
        keep_words(mine)
        keep_prices(mine)
        return mentor

    return make


def test_browse_shows_the_listed_and_nobody_else(client: Client, make: Make) -> None:
    make("shown")
    make("applied", status="applied")
    make("suspended", status="suspended")
    make("paused", is_paused=True)
    make("gone", user__is_active=False)
    assert listed(client) == ["shown"]


def test_browse_and_search_leave_out_who_has_nothing_to_book(client: Client, make: Make) -> None:
    """Their page opens all the same for whoever has its address."""
    make("shown", skills=["Python"])
    make("without-type", skills=["Cobol"], prices=[])
    make("without-hours", skills=["Fortran"], hours=[])
    make("type-switched-off", prices=[]).session_types.add(factories.SessionTypeFactory(is_active=False))
    make("hours-switched-off").weekly_hours.update(is_active=False)
    make("only-breaks").weekly_hours.update(kind="break")
    assert listed(client) == ["shown"]
    assert listed(client, "q=without") == []
    filters = client.get(URL).content.decode()
    assert "Python" in filters
    assert "Cobol" not in filters
    assert client.get(f"{URL}without-type/").status_code == 200


def test_hours_on_a_date_to_come_are_hours_and_those_behind_are_none(client: Client, make: Make) -> None:
    for slug, days in (("ahead", 9), ("behind", -9)):
        day = NOW.date() + timedelta(days=days)
        make(slug, hours=[]).date_overrides.create(
            first_date=day, last_date=day, starts=time(9), ends=time(12)
        )
        make(f"blocked-{slug}", hours=[]).date_overrides.create(first_date=day, last_date=day)
    assert listed(client) == ["ahead"]


def test_who_asks_only_for_money_that_cannot_be_taken_is_not_listed(
    client: Client, make: Make, settings: Settings
) -> None:
    make("euros", prices=[(5_000, "EUR")])
    make("euros-or-nothing", prices=[(5_000, "EUR"), (0, "EUR")])
    settings.PAYMENT_GATEWAYS = []
    assert listed(client) == ["euros-or-nothing"]


def test_browse_takes_no_post(client: Client, db: None) -> None:
    assert client.post(URL).status_code == 405


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=asha", ["asha"]),
        ("q=PYTHON", ["asha"]),
        ("q=python+asha", ["asha"]),
        ("q=python+boris", []),
        ("q=ledgers", ["boris"]),
        ("q=novel", ["boris"]),
        ("q=100%25", []),
        ("skill=python", ["asha"]),
        ("skill=nonsense", ["asha", "boris"]),
        ("language=hi", ["boris"]),
        ("language=hi&skill=python", []),
        ("language=xx", ["asha", "boris"]),
    ],
)
def test_search_and_filters_find(client: Client, make: Make, query: str, found: list[str]) -> None:
    make("asha", skills=["Python"], languages=["en"])
    make("boris", headline="Keeps ledgers", bio="Wrote a novel.", languages=["hi"])
    assert sorted(listed(client, query)) == found


@pytest.mark.parametrize(
    "q", ["an", "AN", "an py", "an an", "e r", "ledger", "py ledger novel", "100%", "_", "zz"]
)
def test_search_finds_who_has_every_word_somewhere(make: Make, q: str) -> None:
    draw = random.Random(20)
    words = ["Ann", "Bruno", "Python", "ledger", "novel", "100%", "snake_case", "Rust", "Hana"]

    def some() -> str:
        return " ".join(draw.sample(words, draw.randint(1, 2)))

    written = {}
    for number in range(25):
        name, headline, bio, skill = some(), some(), some(), some()
        mentor = make(f"mentor-{number}", headline=headline, bio=bio)
        mentor.user.name = name
        mentor.user.save()
        mentor.skills.add(factories.SkillFactory(name=f"{skill} {number}"))
        written[mentor.slug] = [name, headline, bio, f"{skill} {number}"]
    expected = {
        slug
        for slug, texts in written.items()
        if all(any(word.lower() in text.lower() for text in texts) for word in q.split())
    }
    keep_words(Mentor.objects.all())
    assert set(Mentor.objects.search(q).values_list("slug", flat=True)) == expected


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("free=on", ["free"]),
        ("max_price=500&currency=INR", ["cheap", "free"]),
        ("max_price=1000&currency=INR", ["cheap", "dear", "free"]),
        ("max_price=1000&currency=USD", ["free", "usd"]),
        ("max_price=0&currency=USD", ["free"]),
        ("max_price=500", ["cheap", "free"]),  # in the first currency
        ("max_price=500&currency=XXX", ["cheap", "free"]),
        ("max_price=-5&currency=INR", ["cheap", "dear", "free", "usd"]),
        ("max_price=nan&currency=INR", ["cheap", "dear", "free", "usd"]),
        ("max_price=49.999&currency=USD", ["free"]),
        ("max_price=999999999999&currency=USD", ["free", "usd"]),
        ("max_price=1e400&currency=USD", ["cheap", "dear", "free", "usd"]),
    ],
)
def test_prices_are_compared_in_one_currency(
    client: Client, make: Make, query: str, found: list[str]
) -> None:
    make("free", prices=[(0, "INR"), (900_000, "INR")])
    make("cheap", prices=[(50_000, "INR")])
    make("dear", prices=[(100_000, "INR")])
    make("usd", prices=[(5_000, "USD")])
    assert sorted(listed(client, query)) == found


def test_a_switched_off_session_type_counts_for_nothing(client: Client, make: Make) -> None:
    mentor = make("asha", prices=[(50_000, "INR")])
    factories.SessionTypeFactory(mentor=mentor, price_minor=0, is_active=False)
    assert listed(client, "free=on") == []


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", ["loved", "lucky", "unrated", "busy"]),
        ("sort=newest", ["unrated", "busy", "lucky", "loved"]),
        ("sort=sessions", ["busy", "loved", "lucky", "unrated"]),
        ("sort=price&currency=INR", ["lucky", "unrated", "loved", "busy"]),
        ("sort=price&currency=USD", ["lucky", "busy", "loved", "unrated"]),
        ("sort=nonsense", ["loved", "lucky", "unrated", "busy"]),
    ],
)
def test_order(client: Client, make: Make, query: str, order: list[str]) -> None:
    def rated(mean: str | None, count: int, days: int, sessions: int) -> dict[str, object]:
        mean_ = Decimal(mean) if mean else None
        approved = NOW - timedelta(days=days)
        return {
            "rating_mean": mean_,
            "review_count": count,
            "approved_at": approved,
            "session_count": sessions,
        }

    make("loved", prices=[(70_000, "INR")], **rated("4.9", 40, 90, 50))
    make("lucky", prices=[(0, "EUR")], **rated("5.0", 1, 80, 2))
    make("busy", prices=[(1_000, "USD")], **rated("3.1", 30, 70, 99))
    make("unrated", prices=[(60_000, "INR")], **rated(None, 0, 60, 0))
    if not query or "nonsense" in query:
        order = ["loved", "lucky", "busy", "unrated"]
    assert listed(client, query) == order


def test_minimum_rating(client: Client, make: Make) -> None:
    make("good", rating_mean=Decimal("4.50"), review_count=2)
    make("fair", rating_mean=Decimal("4.40"), review_count=2)
    make("new")
    assert listed(client, "rating=4.5") == ["good"]
    assert sorted(listed(client, "rating=4")) == ["fair", "good"]
    assert len(listed(client, "rating=9")) == 3


def test_pages_of_twelve_keep_the_filters(client: Client, make: Make) -> None:
    for number in range(13):
        make(f"asha-{number}")
    response = client.get(f"{URL}?q=asha&page=2")
    assert len(response.context["cards"]) == 1
    assert b'href="?q=asha&amp;page=1"' in response.content


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", "9" * 5000, ""])
def test_odd_pages_are_clamped(client: Client, make: Make, page: str) -> None:
    make("asha")
    assert listed(client, f"page={page}") == ["asha"]


def test_chosen_filters_are_links_that_take_them_away(client: Client, make: Make) -> None:
    make("asha", skills=["Python"], prices=[(50_000, "INR")])
    keep_figures(NOW)
    response = client.get(f"{URL}?q=asha&skill=python&max_price=700&currency=INR&free=false")
    chips = {chip["label"]: chip["query"] for chip in response.context["form"].chips()}
    assert chips == {
        "“asha”": "skill=python&max_price=700&currency=INR",
        "Python": "q=asha&max_price=700&currency=INR",
        "Up to ₹700": "q=asha&skill=python",
    }


def test_nothing_found_offers_to_clear_the_filters(client: Client, make: Make) -> None:
    make("asha")
    page = client.get(f"{URL}?q=nobody").content.decode()
    assert "No mentor matches all of that" in page
    assert 'href="/mentors/">Clear all filters' in page


def test_no_mentors_at_all_is_a_page_too(client: Client, db: None) -> None:
    assert "No mentors yet" in client.get(URL).content.decode()


def test_what_visitors_typed_is_escaped(client: Client, make: Make) -> None:
    make("asha", headline="<script>alert(1)</script>")
    page = (
        client.get(f"{URL}?q=<script>alert(2)</script>").content.decode() + client.get(URL).content.decode()
    )
    assert "<script>alert" not in page


FILTERED = "q=asha&skill=skill0&language=en&rating=4&free=on&max_price=900&currency=INR&sort=price"


@pytest.mark.parametrize("query", ["", FILTERED, "page=2"])
@pytest.mark.parametrize("count", [1, 30])
def test_browse_costs_four_queries_for_one_and_for_thirty(
    client: Client, make: Make, count: int, query: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """For the signed in also the session, the user, and their own sessions, which are no open time of theirs."""
    skill = factories.SkillFactory(name="Skill0", slug="skill0")
    for number in range(max(count, 13 if "page" in query else 1)):
        facts = {"languages": ["en"], "prices": [(0, "INR"), (50_000, "INR")], "rating_mean": Decimal("4.5")}
        make(f"asha-{number}", **facts).skills.add(skill)
    rebuild_openings(NOW)
    keep_figures(NOW)
    keep_words(Mentor.objects.all())
    keep_prices(Mentor.objects.all())
    with django_assert_num_queries(4):
        assert shown(client, query)
    client.force_login(factories.UserFactory())
    with django_assert_num_queries(4 + 3):
        assert shown(client, query)


@pytest.mark.parametrize("query", ["", "q=asha&free=on"])
def test_browse_costs_no_more_when_nobody_is_found(
    client: Client, db: None, query: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(4):
        assert shown(client, query) == []


@pytest.mark.parametrize(
    ("page", "shown"), [("1", 12), ("2", 2), ("3", 2), ("0", 2), ("10001", 2), ("1.5", 12)]
)
def test_every_page_knows_how_many_there_are(client: Client, make: Make, page: str, shown: int) -> None:
    for number in range(14):
        make(f"asha-{number}")
    found = client.get(f"{URL}?page={page}").context["page"]
    assert (len(found), found.paginator.count, found.paginator.num_pages) == (shown, 14, 2)


def test_what_is_kept_is_what_counting_finds(make: Make) -> None:
    """Whatever becomes of mentors, and however often it is kept."""
    draw = random.Random(7)
    skills = [factories.SkillFactory() for _ in range(6)]
    for position in range(2):
        field = Field.objects.create(name=f"Field {position}", slug=f"field-{position}", position=position)
        field.skills.set(skills[3 * position :][:3])
    for number in range(8):
        make(
            f"mentor-{number}",
            languages=draw.sample(["en", "hi", "de"], 2),
            prices=[(draw.choice([0, 500, 70_000]), draw.choice(["INR", "USD"])) for _ in range(2)],
        )
    for _ in range(12):
        mentor = draw.choice(list(Mentor.objects.all()))
        mentor.skills.set(draw.sample(skills, 2))
        mentor.is_paused = draw.random() < 0.5
        mentor.save()
        keep_figures(NOW)
        mentors = Mentor.objects.listed(NOW)
        kept = {(each.kind, each.value): each.mentor_count for each in Facet.objects.all()}
        counted: dict[tuple[str, str], int] = {}
        for kind, value, found in (
            *(("skill", each.slug, mentors.filter(skills=each)) for each in skills),
            *(("language", code, mentors.filter(languages__code=code)) for code in ("en", "hi", "de")),
            *(
                (
                    "currency",
                    code,
                    mentors.filter(session_types__currency=code, session_types__price_minor__gt=0),
                )
                for code in ("INR", "USD")
            ),
            *(("field", each.slug, mentors.filter(skills__fields=each)) for each in Field.objects.all()),
        ):
            if count := found.distinct().count():
                counted[kind, value] = count
        assert kept == counted
        for field in Field.objects.all():
            prices = [
                offer.price_minor
                for each in mentors.in_field(field)
                for offer in each.session_types.all()
                if offer.currency == field.currency and offer.price_minor
            ]
            assert field.price_minor == (min(prices) if prices else None)


def test_a_mentor_is_found_by_what_was_written_last(client: Client, make: Make) -> None:
    """Whoever wrote it: the mentor, the person in their settings, or staff."""
    mentor = make("asha", skills=["Python"], languages=["en"])
    profile = {"headline": "Baker", "bio": "Bread.", "time_zone": "UTC", "cancellation_policy": "strict"}
    languages = mentor.languages.all()
    update_profile(mentor=mentor, skills=["Baking"], languages=languages, is_paused=False, **profile)
    person = mentor.user
    client.force_login(person)
    answers = {"name": "Élodie Brun", "time_zone": "Europe/Paris", "clock_hours": "", "phone": ""}
    assert client.post("/settings/", answers).status_code == 302
    assert [bool(shown(client, f"q={q}")) for q in ("élodie", "brun+bread", "baking", "asha", "python")] == [
        *(True, True, True),
        *(False, False),
    ]
    client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
    skill = Skill.objects.get(name="Baking")
    client.post(f"/admin/mentors/skill/{skill.pk}/change/", {"name": "Pastry", "slug": "pastry"})
    assert (shown(client, "q=pastry"), shown(client, "q=baking")) == (["asha"], [])
    client.post(f"/admin/mentors/skill/{skill.pk}/delete/", {"post": "yes"})
    assert shown(client, "q=pastry") == []
    for each in Mentor.objects.all():
        assert each.words.text == words_of(each)


def test_only_the_skills_that_most_have_can_be_chosen(client: Client, make: Make) -> None:
    for number in range(101):
        make("asha" if not number else f"other-{number}", skills=[f"Skill{number}"])
    common = Skill.objects.get(name="Skill100")
    Mentor.objects.get(slug="asha").skills.add(common)
    assert len(listed(client, "skill=skill100")) == 2
    assert Facet.objects.filter(kind="skill").count() == 100


@pytest.mark.parametrize(("count", "words"), [(100, "100 mentors"), (101, "100+ mentors")])
def test_more_than_a_hundred_are_not_counted(client: Client, make: Make, count: int, words: str) -> None:
    for number in range(count):
        make(f"asha-{number}")
    page = client.get(URL).content.decode()
    assert words in page
    assert ("Page 1 of 9" in page) == (count == 100)
    last = client.get(f"{URL}?page=9")
    assert len(last.context["cards"]) == count - 96
    assert not last.context["page"].has_next()


def test_pages_end_somewhere(client: Client, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mentors.pages.MOST_PAGES", 2)
    for number in range(30):
        make(f"asha-{number}")
    page = client.get(f"{URL}?page=3").context["page"]
    assert (page.number, len(page), page.has_next()) == (2, 12, False)
    assert client.get(URL).context["page"].has_next()


@pytest.mark.parametrize("currency", ["INR", "USD"])
def test_pages_by_price_go_from_one_list_to_the_next_and_leave_nobody_out(
    client: Client, make: Make, currency: str
) -> None:
    draw = random.Random(3)
    for number in range(40):
        offers = [(draw.choice([0, 500, 700, 90_000]), draw.choice(["INR", "USD", "JPY"])) for _ in range(2)]
        make(f"mentor-{number:02}", prices=offers)

    def cost(mentor: Mentor) -> tuple[float, int]:
        offers = [each for each in mentor.session_types.all() if each.is_free or each.currency == currency]
        return min((each.price_minor for each in offers), default=float("inf")), mentor.pk

    expected = [each.slug for each in sorted(Mentor.objects.all(), key=cost)]
    assert [
        slug
        for page in (1, 2, 3, 4)
        for slug in listed(client, f"sort=price&currency={currency}&page={page}")
    ] == expected


def test_prices_are_kept_with_every_change(make: Make) -> None:
    draw, mentor = random.Random(5), make("asha", prices=[])
    for number in range(25):
        offers = list(mentor.session_types.all())
        facts = {
            "name": f"Offer {number}", "description": "", "pricing": "fixed", "durations": [60],
            "price_minor": draw.choice([0, 500, 700]), "currency": draw.choice(["INR", "USD"]),
            "requires_approval": False,
        }  # fmt: skip
        change = draw.choice(["create", "update", "switch"]) if offers else "create"
        if change == "create":
            services.create_session_type(mentor=mentor, **facts)
        elif change == "update":
            services.update_session_type(session_type=draw.choice(offers), **facts)
        else:
            services.switch_session_type(session_type=draw.choice(offers), is_active=draw.random() < 0.3)
        asked = [(each.price_minor, each.currency) for each in mentor.session_types.filter(is_active=True)]
        lowest = {
            currency: min(price for price, other in asked if other == currency) for _, currency in asked
        }
        expected = {"": 0} if any(price == 0 for price, _ in asked) else lowest
        assert dict(mentor.lowest_prices.values_list("currency", "price_minor")) == expected


def test_browse_by_field(client: Client, make: Make) -> None:
    make("asha", skills=["Python"])
    make("boris")
    for name, skills in {"Engineering": ["Python"], "Design": []}.items():
        field = Field.objects.create(name=name, slug=name.lower())
        field.skills.set(Skill.objects.filter(name__in=skills))
    assert listed(client, "field=engineering") == ["asha"]
    assert len(listed(client, "field=design")) == 2  # nobody's, so nothing to choose
    page = client.get(f"{URL}?field=engineering").content.decode()
    assert "Remove filter: </span>Engineering" in page


def test_fields_with_their_mentors_cost_two_queries(
    make: Make, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        make(f"mentor-{number}", skills=[f"Skill{number}"], review_count=9, rating_mean=Decimal(number))
    for position, numbers in enumerate(([0, 1, 2, 3], [4], [])):
        field = Field.objects.create(name=f"Field {position}", slug=f"field-{position}", position=position)
        field.skills.set(Skill.objects.filter(name__in=[f"Skill{number}" for number in numbers]))
    keep_figures(NOW)
    with django_assert_num_queries(2):
        fields = fields_with_counts()
        best = mentors_of_fields(fields, NOW)
        names = [[mentor.name for mentor in best[field.pk]] for field in fields]
    assert names == [["Mentor-3", "Mentor-2", "Mentor-1"], ["Mentor-4"]]
    assert [(field.mentor_count, field.price_minor, field.currency) for field in fields] == [
        (4, 100_000, "INR"),
        (1, 100_000, "INR"),
    ]


def test_a_card_names_the_lowest_price_with_its_fee(client: Client, make: Make) -> None:
    make("fixed", prices=[(100_000, "INR")])
    make("several", prices=[(2_000, "USD"), (9_000, "USD")])
    make("free-too", prices=[(0, "EUR"), (8_000, "EUR")])
    page = " ".join(re.sub(r"<[^>]+>", " ", client.get(URL).content.decode()).split())
    assert "₹1,000 + ₹50 fee" in page
    assert "From ₹1,000" not in page
    assert "From $20 + $1 fee" in page
    assert "Free or from €80 + €4 fee" in page


def test_free_sessions_are_asked_for_beside_what_is_chosen(client: Client, make: Make) -> None:
    keep_figures(NOW)
    make("asha", prices=[(0, "INR")])
    page = client.get(f"{URL}?q=asha").content.decode()
    assert 'href="?q=asha&amp;free=on">With a free session' in page
    page = client.get(f"{URL}?q=asha&free=on").content.decode()
    assert "With a free session" not in page
    assert '<input type="hidden" name="free" value="on">' in page


@pytest.mark.parametrize(
    ("query", "is_open"), [("", False), ("q=a&sort=newest", False), ("rating=4", True), ("max_price=9", True)]
)
def test_filters_that_are_seldom_used_show_when_they_are(
    client: Client, make: Make, query: str, is_open: bool
) -> None:
    make("asha")
    assert ('class="filters__rest" open' in client.get(f"{URL}?{query}").content.decode()) is is_open
