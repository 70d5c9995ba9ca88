"""The only writers of what mentors are, offer, and when."""

from mentors.services.applications import AlreadyApplied, NotAllowed, apply, approve, reject, suspend
from mentors.services.figures import keep_figures
from mentors.services.hours import (
    block_dates,
    clear_date,
    remove_override,
    set_date_hours,
    set_rules,
    set_weekly_hours,
)
from mentors.services.keeping import keep, keep_prices, keep_words
from mentors.services.profiles import remove_photo, set_photo, update_profile
from mentors.services.session_types import (
    create_session_type,
    move_session_type,
    switch_session_type,
    update_session_type,
)

__all__ = [
    "AlreadyApplied",
    "NotAllowed",
    "apply",
    "approve",
    "block_dates",
    "clear_date",
    "create_session_type",
    "keep",
    "keep_figures",
    "keep_prices",
    "keep_words",
    "move_session_type",
    "reject",
    "remove_override",
    "remove_photo",
    "set_date_hours",
    "set_photo",
    "set_rules",
    "set_weekly_hours",
    "suspend",
    "switch_session_type",
    "update_profile",
    "update_session_type",
]
