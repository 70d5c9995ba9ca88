"""What people's own changes announce, in the transaction that made them. Receivers write rows and nothing else."""

from django.dispatch import Signal

# Somebody has another name. With `user`.
person_renamed = Signal()
