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
from lib.clock import format_short_moment
from notifications.models import Message, Status


class SessionMessages:
    """Made once for a page, with all its sessions."""

    def __init__(self, request: HttpRequest, bookings: Sequence[Booking]) -> None:
        self.request, self.bookings = request, bookings

    def render(self) -> dict[int, SafeString]:
        """The reader's own messages and no one else's, as lines of a list."""
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
            line = {
                "status": message.status,
                "what": message.get_kind_display(),
                "how": describe(message, zone, now),
            }
            lines[message.session.pk].append(line)
        return {
            pk: render_to_string("notifications/_session_messages.html", {"lines": found})
            for pk, found in lines.items()
        }


def describe(message: Message, zone: ZoneInfo, now: datetime) -> str:
    """How far it is, to be read after what it is."""
    where = mask(message.address or message.recipient.email)
    due = format_short_moment(message.due_at, zone)
    if message.status == Status.SENT and message.sent_at:
        return f"e-mailed to {where} on {format_short_moment(message.sent_at, zone)}"
    if message.status == Status.WITHHELD:
        return "was not e-mailed: you had too many messages because of one student that day"
    if message.status == Status.FAILED:
        return f"could not be delivered to {where}"
    if message.status == Status.QUEUED and message.attempts:
        return f"could not be sent to {where} yet. Next try: {due}"
    if message.status == Status.QUEUED and message.due_at > now:
        return f"goes out to {where} {due}"
    return f"is on its way to {where}"


def mask(address: str) -> str:
    """`a…@example.com`: enough to know one's own address by."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
