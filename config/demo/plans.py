"""The demo's script as plain values, read from the TOML files beside this module."""

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DOMAIN = "example.com"


@dataclass(frozen=True)
class PersonPlan:
    name: str
    time_zone: str
    email: str = ""
    is_staff: bool = False

    @property
    def address(self) -> str:
        return self.email or address_of(self.name)


@dataclass(frozen=True)
class FieldPlan:
    name: str
    skills: list[str]


@dataclass(frozen=True)
class HoursPlan:
    """Wall-clock intervals such as `09:00-17:30` on weekdays such as `mon`."""

    days: list[str]
    open: list[str]
    breaks: list[str]


@dataclass(frozen=True)
class OverridePlan:
    """From `in_days` days after today on: blocked for `days` dates, or one date with hours of its own."""

    in_days: int
    days: int = 1
    open: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class TypePlan:
    """`key` is its name in this script. `price` is in whole units of the currency, by the hour when hourly."""

    key: str
    name: str
    description: str
    price: Decimal
    currency: str
    durations: list[int]
    pricing: str = "fixed"
    requires_approval: bool = False
    topics: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReviewPlan:
    type: str
    rating: int
    words: str


@dataclass(frozen=True)
class PicturePlan:
    """Colours as `#rrggbb`; `style` of the hair is long, bun, short or bald."""

    skin: str
    hair: str
    style: str
    wear: str
    behind: str


@dataclass(frozen=True)
class MentorPlan:
    key: str
    name: str
    time_zone: str
    headline: str
    bio: str
    skills: list[str]
    languages: list[str]
    joined_days_ago: int
    hours: list[HoursPlan]
    overrides: list[OverridePlan]
    session_types: list[TypePlan]
    reviews: list[ReviewPlan]
    email: str = ""
    picture: PicturePlan | None = None
    cancellation_policy: str = "flexible"
    slot_interval_minutes: int = 30
    buffer_minutes: int = 0
    minimum_notice_hours: int = 0
    allows_same_day: bool = False
    window_days: int = 60
    max_per_day: int | None = None
    max_per_week: int | None = None
    is_paused: bool = False
    is_application: bool = False
    more_sessions: int = 0  # over, besides those that were reviewed

    @property
    def address(self) -> str:
        return self.email or address_of(self.name)


@dataclass(frozen=True)
class SessionPlan:
    """One booking and what becomes of it; see sessions.toml for what the numbers count."""

    student: str
    mentor: str
    type: str
    booked: float
    day: int
    at: str
    outcome: str
    minutes: int | None = None
    answered: float | None = None
    ended: float | None = None
    topic: str = ""
    notes: str = ""
    reason: str = ""
    rating: int | None = None
    words: str = ""


def address_of(name: str) -> str:
    return f"{'.'.join(name.lower().split())}@{DOMAIN}"


def load_people() -> list[PersonPlan]:
    return [PersonPlan(**row) for row in _read("people.toml")["people"]]


def load_fields() -> list[FieldPlan]:
    return [FieldPlan(**row) for row in _read("fields.toml")["fields"]]


def load_mentors() -> list[MentorPlan]:
    return [
        _mentor(path.stem, _read(f"mentors/{path.name}"))
        for path in sorted((FOLDER / "mentors").glob("*.toml"))
    ]


def load_sessions() -> list[SessionPlan]:
    """In the order in which they were booked."""
    plans = [SessionPlan(**row) for row in _read("sessions.toml")["sessions"]]
    return sorted(plans, key=lambda plan: -plan.booked)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


def _mentor(key: str, raw: dict[str, Any]) -> MentorPlan:
    return MentorPlan(
        key=key,
        bio=raw.pop("bio").strip(),
        picture=PicturePlan(**raw.pop("picture")) if "picture" in raw else None,
        hours=[HoursPlan(**{"breaks": [], **row}) for row in raw.pop("hours", [])],
        overrides=[OverridePlan(**row) for row in raw.pop("overrides", [])],
        session_types=[
            TypePlan(price=Decimal(str(row.pop("price"))), **row) for row in raw.pop("session_types", [])
        ],
        reviews=[ReviewPlan(**row) for row in raw.pop("reviews", [])],
        **raw,
    )
