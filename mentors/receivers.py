from typing import Any

from django.dispatch import receiver

from accounts.closing import account_closed
from accounts.models import User
from accounts.signals import person_renamed
from mentors.models import Mentor
from mentors.services.keeping import keep_words
from mentors.services.leaving import forget_mentor


@receiver(account_closed, dispatch_uid="mentors.forget")
def forget(user: User, **_: Any) -> None:
    forget_mentor(user)


@receiver(person_renamed, dispatch_uid="mentors.keep_words")
def keep_words_of_person(user: User, **_: Any) -> None:
    keep_words(Mentor.objects.filter(user=user))
