"""What a session's page says about the messages to its reader."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.requests import viewer_zone
from bookings.models import Booking
from lib.clock import format_short_date, format_time
from notifications.models import Message, Status


class SessionMessages:
    """Made once for a page, with all its sessions."""

    def __init__(self, request: HttpRequest, bookings: Sequence[Booking]) -> None:
        self.request, self.bookings = request, bookings

    def render(self) -> dict[int, SafeString]:
        """The reader's own messages and no one else's."""
        if not self.request.user.is_authenticated:
            return {}
        rows = (
            Message.objects.filter(booking__in=self.bookings, recipient=self.request.user)
            .exclude(status=Status.DROPPED)
            .select_related("recipient", "booking__mentor")
            .order_by("due_at", "pk")
        )
        lines: defaultdict[int, list[dict[str, str]]] = defaultdict(list)
        now = timezone.now()
        for message in rows:
            if message.status in (Status.QUEUED, Status.SENDING) and not message.applies_at(now):
                continue  # whoever takes it up drops it
            zone = viewer_zone(self.request, message.session.mentor.zone)
            words = describe(message, zone, now)
            lines[message.session.pk].append({"status": message.status, "words": words})
        return {
            pk: render_to_string("notifications/_session_messages.html", {"lines": found})
            for pk, found in lines.items()
        }


def describe(message: Message, zone: ZoneInfo, now: datetime) -> str:
    what = message.get_kind_display()
    where = mask(message.address or message.recipient.email)
    due = f"{format_short_date(message.due_at.astimezone(zone).date())}, {format_time(message.due_at, zone)}"
    if message.status == Status.SENT and message.sent_at:
        day = format_short_date(message.sent_at.astimezone(zone).date())
        return f"{what} e-mailed to {where} on {day}, {format_time(message.sent_at, zone)}"
    if message.status == Status.WITHHELD:
        return f"{what} was not e-mailed: you had too many messages because of one student that day"
    if message.status == Status.FAILED:
        return f"{what} could not be delivered to {where}"
    if message.status == Status.QUEUED and message.attempts:
        return f"{what} could not be sent to {where} yet. Next try: {due}"
    if message.status == Status.QUEUED and message.due_at > now:
        return f"{what} goes out to {where} {due}"
    return f"{what} is on its way to {where}"


def mask(address: str) -> str:
    """`a…@example.com`: enough to know one's own address by."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
