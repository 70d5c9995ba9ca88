import pytest

from lib.zones import parse_zone, zone_choices


@pytest.mark.parametrize(
    ("name", "today"),
    [
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("Asia/Calcutta", "Asia/Kolkata"),  # what Chromium reports there
        ("Asia/Katmandu", "Asia/Kathmandu"),
        ("Asia/Saigon", "Asia/Ho_Chi_Minh"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("Atlantic/Faeroe", "Atlantic/Faroe"),
        ("US/Eastern", "America/New_York"),
        ("GB", "Europe/London"),
        ("Etc/UTC", "UTC"),
        ("GMT", "UTC"),
    ],
)
def test_zone_is_found_under_its_names(name: str, today: str) -> None:
    assert str(parse_zone(name)) == today


def test_zone_that_only_shares_a_clock_keeps_its_name() -> None:
    assert str(parse_zone("Africa/Accra")) == "Africa/Accra"


@pytest.mark.parametrize(
    "junk",
    [
        None,
        "",
        "Mars/Olympus",
        "kolkata",
        "asia/kolkata",
        "../../etc/passwd",
        "/etc/localtime",
        "Etc/GMT+5",
        "EST",
        "Factory",
        "localtime",
        "posixrules",
        "Asia/Kolkata\x00",
        "Asia/Kolkata\n",
        "Asia/" + "K" * 60,
        "a" * 100_000,
    ],
)
def test_junk_is_no_zone(junk: str | None) -> None:
    assert parse_zone(junk) is None


def test_zone_choices_are_found_and_named_by_city_and_country() -> None:
    regions = dict(zone_choices())
    names = [name for zones in regions.values() for name, _ in zones]
    assert [name for name in names if str(parse_zone(name)) != name] == []
    assert len(names) == len(set(names)) > 400
    assert ("Asia/Kolkata", "Kolkata, India") in regions["Asia"]
    assert ("America/Argentina/Buenos_Aires", "Buenos Aires, Argentina") in regions["America"]
    assert ("Asia/Singapore", "Singapore") in regions["Asia"]
    assert list(regions)[-1] == "UTC"
    assert "Asia/Calcutta" not in names
