"""What mentors announce, in the transaction that changed them. Receivers write rows and nothing else."""

from django.dispatch import Signal

# A mentor can't be booked any more and answers no request. With `mentor`, `by` and `now`.
mentor_suspended = Signal()
# What is offered, or when, or by whom, has changed: a status, hours, rules, session types, the zone. With `mentor`.
mentor_changed = Signal()
