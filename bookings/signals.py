"""What a session announces, in the transaction that changed it. Receivers write rows and nothing else.

Each is sent with `booking`, `event` (the history row) and `now`. When a session is cancelled or declined,
`refund_minor` is how much of what was paid for it goes back. What is asked and answered about moving a session is
sent with its `move_request` too.
"""

from django.dispatch import Signal

booking_requested = Signal()
booking_held = Signal()
booking_scheduled = Signal()
booking_declined = Signal()
booking_cancelled = Signal()
booking_expired = Signal()
booking_completed = Signal()
booking_moved = Signal()
move_requested = Signal()
move_request_closed = Signal()  # kept at its time, not answered, taken back, or answered by moving
