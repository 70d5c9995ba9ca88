"""Time-zone names: which are offered, and which spellings of them are understood."""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def parse_zone(name: str | None) -> ZoneInfo | None:
    """The zone of that name, or of a name it once had; None for anything that nobody lives in."""
    if not name or len(name) > 64:
        return None
    name = _renamed().get(name, name)
    if name not in _offered():
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def find_zone(words: str) -> ZoneInfo | None:
    """The zone of that name, or of a city that gives one its name, as a person types it: `los angeles`."""
    wanted = " ".join(words.replace("_", " ").split()).casefold()
    if zone := parse_zone(words.strip()):
        return zone
    for _, zones in zone_choices():
        for name, label in zones:
            known = (name.replace("_", " "), label, label.partition(",")[0])
            if wanted in (each.casefold() for each in known):
                return parse_zone(name)
    return None


@cache
def zone_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every zone under its present name, by region, for a select: `Kolkata, India` in `Asia`."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for name, country in _offered().items():
        region, *places = name.replace("_", " ").split("/")
        words = dict.fromkeys([*reversed(places), country] if places else [region])
        regions.setdefault(region, []).append((name, ", ".join(words)))
    return [
        (region, sorted(zones, key=lambda zone: zone[1]))
        for region, zones in sorted(regions.items(), key=lambda item: (item[0] == "UTC", item[0]))
    ]


@cache
def _offered() -> dict[str, str]:
    """Name and country of every inhabited zone, and UTC (`zone.tab` of the tz database)."""
    countries = dict(_rows("iso3166.tab"))
    zones = {name: countries[code] for code, _, name, *_ in _rows("zone.tab")}
    return {**zones, "UTC": ""}


@cache
def _renamed() -> dict[str, str]:
    """Names that browsers and old systems still report, with what they are called today.

    Merely having had the same clock as a neighbour since 1970 makes a place no alias of it.
    """
    universal = {"Etc/UTC": "UTC", "Etc/GMT": "UTC"}
    links = (line.split() for line in _table("tzdata.zi") if line.startswith("L "))
    renamed = {old: universal.get(new, new) for _, new, old in links if "/" in old and old not in _offered()}
    return {**universal, **renamed, "GMT": "UTC", "GB": "Europe/London"}


def _rows(table: str) -> list[list[str]]:
    return [line.split("\t") for line in _table(table) if not line.startswith("#")]


def _table(name: str) -> list[str]:
    return files("tzdata.zoneinfo").joinpath(name).read_text(encoding="utf-8").splitlines()
