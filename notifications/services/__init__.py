"""The only writers of messages: `outbox` queues them, `delivery` sends them."""

from notifications.services.delivery import MAX_ATTEMPTS, NotResendable, claim, deliver, due, resend
from notifications.services.outbox import (
    drop_queued,
    queue_farewell,
    queue_move_asked,
    queue_move_closed,
    queue_moved,
    queue_payment_failed,
    queue_refund_news,
    queue_scheduled,
)

__all__ = [
    "MAX_ATTEMPTS",
    "NotResendable",
    "claim",
    "deliver",
    "drop_queued",
    "due",
    "queue_farewell",
    "queue_move_asked",
    "queue_move_closed",
    "queue_moved",
    "queue_payment_failed",
    "queue_refund_news",
    "queue_scheduled",
    "resend",
]
