"""What money announces, in the transaction that wrote it down. Receivers write rows and nothing else.

The first two are sent with `payment`, the next with `refund`, then two with `dispute`, the last with
`payout`, and all with `now`.
"""

from django.dispatch import Signal

payment_succeeded = Signal()
payment_failed = Signal()
refund_requested = Signal()
refund_succeeded = Signal()
refund_failed = Signal()
dispute_opened = Signal()
dispute_closed = Signal()
payout_recorded = Signal()
