from typing import Any

from django.dispatch import receiver

from accounts.closing import account_closed
from accounts.models import User
from mentors.services.leaving import forget_mentor


@receiver(account_closed, dispatch_uid="mentors.forget")
def forget(user: User, **_: Any) -> None:
    forget_mentor(user)
