"""What money announces, in the transaction that wrote it down. Receivers write rows and nothing else.

The first two are sent with `payment`, the others with `refund`, and all with `now`.
"""

from django.dispatch import Signal

payment_succeeded = Signal()
payment_failed = Signal()
refund_requested = Signal()
refund_succeeded = Signal()
refund_failed = Signal()
