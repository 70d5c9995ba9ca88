"""A mentor closes their account: the row stays for the sessions that were, without a word about the person."""

from django.db import transaction

from accounts.models import FORMER, User
from accounts.services import rename_in_log
from mentors.models import Mentor, MentorWords
from mentors.services.keeping import keep
from mentors.services.profiles import remove_photo


@transaction.atomic
def forget_mentor(user: User) -> None:
    """Call it with the person locked. What session types are called stays, as on the receipts of those who paid."""
    mentor = Mentor.objects.filter(user=user).first()
    if mentor is None:
        return
    remove_photo(mentor=mentor)
    mentor.skills.clear()
    mentor.languages.clear()
    mentor.weekly_hours.all().delete()
    mentor.date_overrides.all().delete()
    mentor.session_types.update(is_active=False, description="")
    mentor.slug, mentor.headline, mentor.bio = f"former-member-{mentor.pk}", FORMER, ""
    mentor.time_zone, mentor.is_paused = "UTC", True
    mentor.save(update_fields=["slug", "headline", "bio", "time_zone", "is_paused"])
    keep(mentor)
    MentorWords.objects.filter(mentor=mentor).delete()
    rename_in_log(mentor, FORMER)
