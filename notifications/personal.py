"""What was said to a person, for them to take away."""

from accounts.export import Part
from accounts.models import User
from notifications.models import Message


def collect(user: User) -> Part:
    messages = Message.objects.filter(recipient=user).select_related("booking").order_by("pk")
    return Part(
        {
            "messages": [
                {
                    "about": message.get_kind_display(),
                    "session": message.booking.reference if message.booking else "",
                    "by": message.get_channel_display(),
                    "status": message.get_status_display(),
                    "due_at": message.due_at,
                    "sent_at": message.sent_at,
                    "address": message.address,
                }
                for message in messages
            ]
        }
    )
