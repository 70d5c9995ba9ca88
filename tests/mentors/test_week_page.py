from datetime import time

import pytest
from django.test import Client

from mentors.models import Mentor, WeeklyHours
from tests import factories

pytestmark = pytest.mark.once

URL = "/dashboard/availability/"
Line = tuple[int, str, str, str]
NINE_TO_FIVE: Line = (0, "open", "09:00", "17:00")


def week(*lines: Line, **pressed: object) -> dict[str, object]:
    """What the browser posts for these lines, and the button that was pressed."""
    data: dict[str, object] = {"form-TOTAL_FORMS": len(lines), "form-INITIAL_FORMS": 0}
    for number, values in enumerate(lines):
        for name, value in zip(("weekday", "kind", "starts", "ends"), values, strict=True):
            data[f"form-{number}-{name}"] = value
        data[f"form-{number}-is_active"] = "on"
    return {**data, **pressed}


def kept(mentor: Mentor) -> list[str]:
    return [f"{row.kind} {row}" for row in mentor.weekly_hours.all()]


def shown(client: Client, data: dict[str, object]) -> list[Line]:
    """The lines on the page after pressing a button that saves nothing."""
    response = client.post(URL, data)
    assert response.status_code == 200
    return [
        tuple(form[name].value() for name in ("weekday", "kind", "starts", "ends"))
        for form in response.context["week"].forms
    ]


@pytest.fixture
def mentor(db: None) -> Mentor:
    return factories.MentorFactory(hours=[(6, "10:00", "12:00")])


@pytest.fixture
def own(client: Client, mentor: Mentor) -> Client:
    client.force_login(mentor.user)
    return client


def test_the_week_is_shown(own: Client) -> None:
    html = own.get(URL).content.decode()
    assert 'value="10:00"' in html
    assert html.count("No hours") == 6
    assert "Asia/Kolkata" in html


def test_a_split_week_with_a_break_is_saved(own: Client, mentor: Mentor) -> None:
    lines: list[Line] = [
        (0, "open", "09:00", "12:00"), (0, "open", "12:00", "17:00"), (0, "break", "10:30", "10:45"),
        (4, "open", "22:00", "02:00"),
    ]  # fmt: skip
    response = own.post(URL, week(*lines))
    assert (response.status_code, response["Location"]) == (302, URL)
    assert sorted(kept(mentor)) == [
        "break Monday 10:30 to 10:45",
        "open Friday 22:00 to 02:00",
        "open Monday 09:00 to 12:00",
        "open Monday 12:00 to 17:00",
    ]
    assert "the next day" in own.get(URL).content.decode()


def test_cleared_lines_and_an_empty_week_are_no_hours(own: Client, mentor: Mentor) -> None:
    own.post(URL, week((0, "open", "", ""), NINE_TO_FIVE))
    assert kept(mentor) == ["open Monday 09:00 to 17:00"]
    own.post(URL, week())
    assert kept(mentor) == []


def test_a_whole_day_is_from_midnight_to_midnight(own: Client, mentor: Mentor) -> None:
    own.post(URL, week(*[(day, "open", "00:00", "00:00") for day in range(7)]))
    assert len(kept(mentor)) == 7


def test_seconds_are_dropped(own: Client, mentor: Mentor) -> None:
    own.post(URL, week((0, "open", "09:00:30", "17:00:59")))
    assert mentor.weekly_hours.get().ends == time(17)


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        ([NINE_TO_FIVE, (0, "open", "16:00", "18:00")], [(0, "starts"), (1, "starts")]),
        ([NINE_TO_FIVE, NINE_TO_FIVE], [(0, "starts"), (1, "starts")]),
        ([(0, "open", "22:00", "02:00"), (1, "open", "01:00", "05:00")], [(0, "starts"), (1, "starts")]),
        ([(6, "open", "22:00", "02:00"), (0, "open", "01:00", "05:00")], [(0, "starts"), (1, "starts")]),
        (
            [NINE_TO_FIVE, (0, "break", "12:00", "13:00"), (0, "break", "12:30", "14:00")],
            [(1, "starts"), (2, "starts")],
        ),
        ([(0, "open", "09:00", "")], [(0, "ends")]),
        ([(0, "open", "", "17:00")], [(0, "starts")]),
        ([(0, "open", "09:00", "09:00")], [(0, "ends")]),
        ([(0, "open", "nine", "17:00")], [(0, "starts")]),
        ([(0, "open", "25:00", "26:00")], [(0, "starts"), (0, "ends")]),
    ],
    ids=[
        "overlap",
        "twice",
        "over midnight",
        "Sunday to Monday",
        "breaks",
        "no end",
        "no start",
        "equal",
        "words",
        "25 h",
    ],
)
def test_what_cannot_be_is_refused_beside_its_field_and_nothing_is_lost(
    own: Client, mentor: Mentor, lines: list[Line], fields: list[tuple[int, str]]
) -> None:
    response = own.post(URL, week(*lines))
    assert response.status_code == 422
    found = response.context["week"]
    assert [(at, name) for at, form in enumerate(found.forms) for name in form.errors] == fields
    html = response.content.decode()
    for at, name in fields:
        assert f'id="id_form-{at}-{name}_error"' in html
        assert f'href="#id_form-{at}-{name}"' in html
    for line in lines:
        assert all(f'value="{value}"' in html for value in line[2:] if value)
    assert kept(mentor) == ["open Sunday 10:00 to 12:00"]


@pytest.mark.parametrize(
    "lines", [[(7, "open", "09:00", "10:00")], [(0, "lunch", "09:00", "10:00")], [("x", "", "", "")]]
)
def test_forged_lines_are_refused(own: Client, mentor: Mentor, lines: list[Line]) -> None:
    assert own.post(URL, week(*lines)).status_code == 422
    assert kept(mentor) == ["open Sunday 10:00 to 12:00"]


@pytest.mark.parametrize("count", ["", "x", "99999999"])
def test_a_forged_number_of_lines_is_refused(own: Client, mentor: Mentor, count: str) -> None:
    assert own.post(URL, {"form-TOTAL_FORMS": count, "form-INITIAL_FORMS": "0"}).status_code == 422
    assert own.post(URL, {}).status_code == 422
    assert kept(mentor) == ["open Sunday 10:00 to 12:00"]


def test_add_makes_room_for_a_line_and_saves_nothing(own: Client, mentor: Mentor) -> None:
    assert shown(own, week(NINE_TO_FIVE, add_line="0-break")) == [
        ("0", "open", "09:00", "17:00"),
        (0, "break", "", ""),
    ]
    assert kept(mentor) == ["open Sunday 10:00 to 12:00"]


def test_the_new_line_has_the_focus(own: Client) -> None:
    html = own.post(URL, week(NINE_TO_FIVE, add_line="3-open")).content.decode()
    assert html.count(" autofocus") == 1
    assert (
        'id="id_form-1-starts"'
        in html.split(" autofocus")[1].split(">")[0] + html.split(" autofocus")[0].split("<")[-1]
    )


def test_remove_takes_a_line_away(own: Client) -> None:
    lines = [NINE_TO_FIVE, (1, "open", "nonsense", "18:00")]
    assert shown(own, week(*lines, remove_line="0")) == [("1", "open", "nonsense", "18:00")]
    assert len(shown(own, week(*lines, remove_line="7"))) == 2
    assert len(shown(own, week(*lines, remove_line="x"))) == 2


def test_copy_puts_a_day_in_place_of_others(own: Client, mentor: Mentor) -> None:
    lines: list[Line] = [NINE_TO_FIVE, (0, "break", "12:00", "13:00"), (1, "open", "20:00", "21:00")]
    found = shown(own, week(*lines, copy_day="1", copy_from="0", copy_to=["0", "1", "2"]))
    assert found == [
        ("0", "open", "09:00", "17:00"), ("0", "break", "12:00", "13:00"),
        (1, "open", "09:00", "17:00"), (1, "break", "12:00", "13:00"),
        (2, "open", "09:00", "17:00"), (2, "break", "12:00", "13:00"),
    ]  # fmt: skip
    assert kept(mentor) == ["open Sunday 10:00 to 12:00"]


def test_after_copying_the_first_day_that_got_the_hours_has_the_focus(own: Client) -> None:
    html = own.post(URL, week(NINE_TO_FIVE, copy_day="1", copy_from="0", copy_to=["4", "2"])).content.decode()
    assert html.count(" autofocus") == 1
    assert 'value="2-open" autofocus' in html
    assert '<option value="0" selected>' in html


def test_copying_to_no_day_says_what_is_missing(own: Client) -> None:
    html = own.post(URL, week(NINE_TO_FIVE, copy_day="1", copy_from="2")).content.decode()
    assert "<details open>" in html
    assert "Tick the days that get these hours." in html
    assert html.count(" autofocus") == 1
    assert 'name="copy_to" value="0" autofocus' in html
    assert '<option value="2" selected>' in html


@pytest.mark.parametrize(
    "pressed",
    [{"add_line": "9-open"}, {"add_line": "x"}, {"copy_day": "1"}, {"copy_day": "1", "copy_to": ["x"]}],
)
def test_odd_buttons_change_nothing(own: Client, pressed: dict[str, object]) -> None:
    assert shown(own, week(NINE_TO_FIVE, **pressed)) == [("0", "open", "09:00", "17:00")]


def test_it_works_for_one_mentor_only(own: Client, mentor: Mentor) -> None:
    other = factories.MentorFactory()
    own.post(URL, week(NINE_TO_FIVE, mentor=other.pk))
    assert WeeklyHours.objects.filter(mentor=other).count() == 6


def test_an_interval_switched_off_keeps_its_hours(own: Client, mentor: Mentor) -> None:
    data = week(NINE_TO_FIVE, (1, "open", "10:00", "12:00"))
    del data["form-1-is_active"]
    own.post(URL, data)
    assert list(mentor.weekly_hours.values_list("weekday", "is_active")) == [(0, True), (1, False)]
    forms = own.get(URL).context["week"].forms
    assert [form["is_active"].value() for form in forms] == [True, False]


def test_who_has_no_hours_is_offered_a_week_to_start_with(own: Client, mentor: Mentor) -> None:
    assert "starting_week" not in own.get(URL).text
    mentor.weekly_hours.all().delete()
    assert 'name="starting_week"' in own.get(URL).text
    lines = shown(own, {"starting_week": "1"})  # as the overview sends it, and the page itself
    assert lines == [(day, "open", "09:00", "17:00") for day in range(5)]
    assert kept(mentor) == []
    own.post(URL, week(*lines))
    assert len(kept(mentor)) == 5


def test_what_is_switched_off_may_overlap(own: Client, mentor: Mentor) -> None:
    data = week(NINE_TO_FIVE, (0, "open", "09:00", "12:00"))
    del data["form-1-is_active"]
    assert own.post(URL, data).status_code == 302
    assert mentor.weekly_hours.count() == 2
