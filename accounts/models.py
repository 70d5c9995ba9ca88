from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property

from lib.names import validate_name
from lib.zones import parse_zone


def validate_zone(value: str) -> None:
    """Raises `ValidationError` for a name that no zone of the tz database has or had."""
    if parse_zone(value) is None:
        raise ValidationError(
            "“%(value)s” is not a time zone we know. Choose one from the list.", params={"value": value}
        )


# What others read where the name of somebody who closed their account stood.
FORMER = "Former member"


class ClockHours(models.IntegerChoices):
    TWELVE = 12, "12 hours, am and pm"
    TWENTY_FOUR = 24, "24 hours"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by their e-mail address: a student, a mentor, staff, or several of these."""

    email = models.EmailField("e-mail address")
    name = models.CharField(max_length=120, validators=[validate_name])
    time_zone = models.CharField(max_length=64, blank=True, validators=[validate_zone])
    # Until it is chosen, or first seen by the language of their browser, unknown.
    clock_hours = models.PositiveSmallIntegerField("clock", choices=ClockHours.choices, null=True, blank=True)
    phone = models.CharField(max_length=32, blank=True)
    # Kept by mentors, written down here because every page's header asks.
    is_mentor = models.BooleanField("mentor", default=False)
    is_staff = models.BooleanField("staff", default=False)
    is_active = models.BooleanField("active", default=True)
    date_joined = models.DateTimeField(default=timezone.now)
    # The row stays for the sessions and the money that refer to it, without a word about the person.
    closed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(is_active=False), name="user_inactive")]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_is_unique"),
            models.CheckConstraint(
                condition=Q(closed_at=None)
                | Q(is_active=False, name=FORMER, phone="", time_zone="", email__endswith="@closed.invalid"),
                name="user_closed_is_nobody",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @cached_property
    def second_step(self) -> int | None:
        """Which authenticator app signing in asks for, as a number; none while two-step sign-in is off. One query."""
        found: int | None = (
            Authenticator.objects.filter(user_id=self.pk, type=Authenticator.Type.TOTP)
            .values_list("pk", flat=True)
            .first()
        )
        return found

    @property
    def is_staff_or_more(self) -> bool:
        return self.is_active and (self.is_staff or self.is_superuser)

    @property
    def may_act_as_staff(self) -> bool:
        """Without a second step, where it is asked for, being staff opens nothing."""
        return self.is_staff_or_more and (not settings.STAFF_TWO_STEP or self.second_step is not None)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Permissions are staff's: being in a group is not enough, nor is being staff."""
        return self.may_act_as_staff and super().has_perm(perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        return self.may_act_as_staff and super().has_module_perms(app_label)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Staff's sessions end with a change of their second step too, as everybody's do with a new password."""
        by_password: str = super()._get_session_auth_hash(secret)  # type: ignore[misc]
        if not (settings.STAFF_TWO_STEP and self.is_staff_or_more and self.second_step):
            return by_password
        return salted_hmac("accounts.second_step", f"{by_password}:{self.second_step}").hexdigest()

    @property
    def zone(self) -> ZoneInfo | None:
        return parse_zone(self.time_zone)

    @property
    def number(self) -> int:
        """By which a portrait is drawn: the same in whatever role."""
        return self.pk

    @property
    def photo_url(self) -> str:
        """A mentor's photo is the profile's."""
        return ""

    @property
    def initials(self) -> str:
        words = str(self).split() or ["?"]
        return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper()

    @property
    def first_name(self) -> str:
        return FORMER if self.closed_at else next(iter(str(self).split()), "")
