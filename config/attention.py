"""What staff should look at, on their front page: each a count that leads to its list."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import User
from config.models import FailingRow
from mentors.models import Mentor
from notifications.models import Message
from notifications.models import Status as MessageStatus
from payments.models import Payment, Refund, RefundStatus

MOST = 1000  # counted; beyond it is "more than" that


@dataclass(frozen=True)
class Attention:
    """`note` says more where there is something; a count of nothing is quiet."""

    label: str
    count: int
    url: str
    note: str = ""

    @property
    def number(self) -> str:
        return f"{MOST:,}+" if self.count > MOST else f"{self.count:,}"


def needs_attention(user: User, now: datetime) -> list[Attention]:
    """Of what this person may look at: one query each, by an index, however large the tables are."""
    return [_counted(*each, now) for each in _lists() if user.has_perm(_permission(each[1]))]


def _lists() -> Iterator[tuple[str, QuerySet[Any], str, str]]:
    """Label, rows, what the list is filtered by, and the column that says since when."""
    waiting = Mentor.objects.filter(status=Mentor.Status.APPLIED)
    undelivered = Message.objects.filter(status__in=(MessageStatus.FAILED, MessageStatus.WITHHELD))
    yield "Applications", waiting, f"status__exact={Mentor.Status.APPLIED}", "applied_at"
    yield (
        "Payments to review",
        Payment.objects.filter(needs_review=True),
        "needs_review__exact=1",
        "created_at",
    )
    yield (
        "Refunds that failed",
        Refund.objects.filter(status=RefundStatus.FAILED),
        "attention=failed",
        "created_at",
    )
    yield (
        "Payments in dispute",
        Payment.objects.filter(is_disputed=True),
        "is_disputed__exact=1",
        "created_at",
    )
    yield (
        "Messages not sent",
        undelivered,
        f"status__in={MessageStatus.FAILED},{MessageStatus.WITHHELD}",
        "due_at",
    )
    yield "Failing rows", FailingRow.objects.open(), "state=open", "first_at"


def _permission(rows: QuerySet[Any]) -> str:
    return f"{rows.model._meta.app_label}.view_{rows.model._meta.model_name}"


def _counted(label: str, rows: QuerySet[Any], filtered: str, since: str, now: datetime) -> Attention:
    meta = rows.model._meta
    url = f"{reverse(f'admin:{meta.app_label}_{meta.model_name}_changelist')}?{filtered}"
    times = list(rows.order_by().values_list(since, flat=True)[: MOST + 1])
    return Attention(label, len(times), url, f"oldest {_ago(now - min(times))}" if times else "none")


def _ago(age: timedelta) -> str:
    """`2 days`, `5 hours`, in whole units."""
    hours = int(age.total_seconds()) // 3600
    number, unit = (hours // 24, "day") if hours >= 24 else (hours, "hour")
    return f"{number} {unit}{'s' * (number != 1)}" if number > 0 else "just now"
