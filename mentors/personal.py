"""What mentors know of a person: to take away, and what closing the account means here."""

from datetime import datetime
from typing import Any

from accounts.closing import Meaning
from accounts.export import Part
from accounts.models import User
from lib.money import format_money
from mentors.models import Mentor

RULES = (
    *("slot_interval_minutes", "buffer_minutes", "minimum_notice_hours", "allows_same_day", "window_days"),
    *("max_per_day", "max_per_week", "cancellation_policy"),
)


def closing_means(user: User, now: datetime) -> Meaning:
    if not Mentor.objects.filter(user=user).exists():
        return Meaning()
    return Meaning(effects=["Nobody can book you any more: your mentor profile and its page are gone."])


def collect(user: User) -> Part:
    mentor = Mentor.objects.filter(user=user).select_related("user").first()
    if mentor is None:
        return Part({})
    files = {}
    if mentor.photo:
        with mentor.photo.open() as photo:
            files["photo.jpg"] = photo.read()
    return Part({"mentor_profile": _profile(mentor)}, files)


def _profile(mentor: Mentor) -> dict[str, Any]:
    return {
        "page": mentor.get_absolute_url(),
        "status": mentor.get_status_display(),
        "is_paused": mentor.is_paused,
        "headline": mentor.headline,
        "about": mentor.bio,
        "skills": [skill.name for skill in mentor.skills.all()],
        "languages": [language.name for language in mentor.languages.all()],
        "time_zone": mentor.time_zone,
        "rules": {name: getattr(mentor, name) for name in RULES},
        "rating": mentor.rating_mean,
        "reviews": mentor.review_count,
        "sessions": mentor.session_count,
        "applied_at": mentor.applied_at,
        # Who of the staff decided is theirs.
        "decisions": list(mentor.status_changes.values("at", "was", "became", "reason")),
        "session_types": [
            {
                "name": offer.name,
                "description": offer.description,
                "pricing": offer.get_pricing_display(),
                "price": format_money(offer.price_minor, offer.currency, full=True),
                "durations_minutes": offer.durations,
                "requires_approval": offer.requires_approval,
                "is_active": offer.is_active,
            }
            for offer in mentor.session_types.all()
        ],
        "weekly_hours": [
            {
                "weekday": hours.get_weekday_display(),
                "kind": hours.get_kind_display(),
                "starts": hours.starts,
                "ends": hours.ends,
                "is_active": hours.is_active,
            }
            for hours in mentor.weekly_hours.all()
        ],
        "dates": list(mentor.date_overrides.values("first_date", "last_date", "starts", "ends", "note")),
    }
