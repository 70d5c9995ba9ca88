"""The groups that staff are put in. `docs/staff.md` says in words what each may do."""

from typing import Any

from django.apps import AppConfig
from django.db import transaction

SESSIONS = ("bookings.view_booking", "bookings.view_bookingevent", "bookings.view_review")
MENTORS = (
    *("mentors.view_mentor", "mentors.view_mentorstatuschange", "mentors.view_sessiontype"),
    *("mentors.view_weeklyhours", "mentors.view_dateoverride", "mentors.view_skill", "mentors.view_language"),
    "mentors.view_field",
)
MONEY = (
    *("payments.view_payment", "payments.view_refund", "payments.view_dispute", "payments.view_webhookevent"),
    *("payments.view_payout", "payments.view_payoutline"),
)
PEOPLE = ("accounts.view_user", "notifications.view_message")
WORK = ("config.view_sweep", "config.view_failingrow", "config.view_plainpage")

GROUPS = {
    "Support": (
        *(*SESSIONS, *MENTORS, *PEOPLE, *WORK, "payments.view_payment", "payments.view_refund"),
        *("bookings.change_booking", "bookings.change_review", "notifications.change_message"),
        *("config.change_failingrow", "config.change_plainpage"),
    ),
    "Finance": (
        *(*SESSIONS, *MENTORS, *MONEY, *PEOPLE, *WORK),
        *("payments.change_payment", "payments.add_refund", "payments.change_refund"),
        *("payments.add_payout", "payments.change_payout", "payments.change_webhookevent"),
    ),
    "Mentor approval": (
        *(*MENTORS, "accounts.view_user"),
        *("mentors.change_mentor", "mentors.add_skill", "mentors.change_skill"),
        *("mentors.add_field", "mentors.change_field"),
    ),
    "Read only": (*SESSIONS, *MENTORS, *MONEY, *PEOPLE, *WORK),
}


@transaction.atomic
def make_groups(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Makes what is missing after a migrate. A group that stands is its owner's to change, and left alone."""
    from django.contrib.auth.models import Group, Permission

    missing = GROUPS.keys() - set(Group.objects.using(using).values_list("name", flat=True))
    if not missing:
        return
    permissions = {
        f"{app}.{codename}": pk
        for pk, app, codename in Permission.objects.using(using).values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
    groups = [Group(name=name) for name in GROUPS if name in missing]
    Group.objects.using(using).bulk_create(groups, ignore_conflicts=True)
    for group in Group.objects.using(using).filter(name__in=missing):
        group.permissions.add(*(permissions[name] for name in GROUPS[group.name]))
