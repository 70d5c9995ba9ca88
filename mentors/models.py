import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q
from django.db.models.functions import Coalesce, Lower
from django.urls import reverse

from accounts.models import User, validate_zone
from lib.money import currency_choices
from lib.names import validate_name
from mentors.ports import fee_on, is_payable, payable_currencies

DURATIONS = (30, 60, 90, 120)
SEARCH_WORDS = 6
FREE = ""  # in place of a currency


class Skill(models.Model):
    name = models.CharField(max_length=60)
    slug = models.SlugField(max_length=60, unique=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="skill_name_is_unique")]

    def __str__(self) -> str:
        return self.name


class Field(models.Model):
    """A group of skills, under the name by which visitors begin to look. Staff name them."""

    name = models.CharField(max_length=60, unique=True)
    slug = models.SlugField(max_length=60, unique=True)
    position = models.PositiveSmallIntegerField(default=0, help_text="The lowest comes first.")
    skills = models.ManyToManyField(Skill, related_name="fields", blank=True)

    # Of the mentors listed in it, written down by `mentors.services.figures` because pages show them for all fields.
    mentor_count = models.PositiveIntegerField(default=0, editable=False)
    has_free = models.BooleanField(default=False, editable=False)
    # The lowest that is asked, in the currency in which most of them ask; nothing when nobody does.
    price_minor = models.PositiveIntegerField(null=True, editable=False)
    currency = models.CharField(max_length=3, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class Language(models.Model):
    """A language by its ISO 639-1 code, under its English name."""

    code = models.CharField(max_length=8, unique=True)
    name = models.CharField(max_length=60)

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class Facet(models.Model):
    """Something by which the listed mentors can be filtered, with how many have it; `services.figures` writes it."""

    class Kind(models.TextChoices):
        FIELD = "field"
        SKILL = "skill"
        LANGUAGE = "language"
        CURRENCY = "currency"

    kind = models.CharField(max_length=8, choices=Kind)
    value = models.CharField(max_length=60)
    label = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0)
    mentor_count = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="facet_is_kept_once")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.label}"


class Weekday(models.IntegerChoices):
    MONDAY = 0, "Monday"
    TUESDAY = 1, "Tuesday"
    WEDNESDAY = 2, "Wednesday"
    THURSDAY = 3, "Thursday"
    FRIDAY = 4, "Friday"
    SATURDAY = 5, "Saturday"
    SUNDAY = 6, "Sunday"


class MentorQuerySet(models.QuerySet["Mentor"]):
    def public(self) -> Self:
        """Approved, not paused, and with an account that works: those whose page the public may open."""
        # Who is inactive is asked for, since they are few.
        gone = User.objects.filter(pk=OuterRef("user"), is_active=False)
        return self.filter(~Exists(gone), status=Mentor.Status.APPROVED, is_paused=False)

    def listed(self, now: datetime) -> Self:
        """Of the public ones those who can be booked: for a session that can be paid, in hours that are still to come.

        Who is booked out, or away for a while, is listed all the same.
        """
        mine = OuterRef("pk")
        types = SessionType.objects.payable().filter(mentor=mine)
        weekly = WeeklyHours.objects.open().filter(mentor=mine).order_by().values("pk")
        dated = DateOverride.objects.open_ahead(now).filter(mentor=mine).order_by().values("pk")
        # Together: of either-or PostgreSQL makes a list of everybody's hours first, for twelve mentors too.
        return self.public().filter(Exists(types), Exists(weekly.union(dated, all=True)))

    def gone(self) -> Self:
        """Suspended, or with an account that doesn't work; each asked for by an index of its own."""
        suspended = self.filter(status=Mentor.Status.SUSPENDED).order_by()
        return suspended.union(self.filter(user__is_active=False).order_by())

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """The public ones, one's own page, and for staff who may look at mentors everybody's."""
        if user.has_perm("mentors.view_mentor"):
            return self.all()
        return (self.public() | self.filter(user_id=user.pk)) if user.pk else self.public()

    def with_dashboard(self) -> Self:
        """Applicants too, so that they can prepare; not those who were turned down."""
        return self.exclude(status=Mentor.Status.REJECTED).select_related("user")

    def search(self, text: str) -> Self:
        """Every word is somewhere in the name, the headline, the bio or a skill, as they are kept together."""
        found = MentorWords.objects.all()
        for word in text.split()[:SEARCH_WORDS]:
            found = found.filter(text__contains=word.casefold())
        return self.filter(pk__in=found.values("mentor"))

    def for_cards(self) -> Self:
        """With what a card shows of each: two queries, for one mentor and for thirty."""
        return self.prefetch_related("session_types")

    def in_field(self, field: Any) -> Self:
        """With a skill of that field: a row, its key, or an expression for it."""
        skilled = Mentor.skills.through.objects.filter(mentor=OuterRef("pk"), skill__fields=field)
        return self.filter(Exists(skilled))

    def with_free_sessions(self) -> Self:
        return self.filter(Exists(LowestPrice.objects.filter(mentor=OuterRef("pk"), currency=FREE)))

    def with_sessions_up_to(self, price_minor: int, currency: str) -> Self:
        """Free ones count in every currency; an hourly price counts by the hour."""
        asked = LowestPrice.objects.filter(mentor=OuterRef("pk"), currency__in=[FREE, currency])
        return self.filter(Exists(asked.filter(price_minor__lte=price_minor)))

    def best_rated_first(self) -> Self:
        """By the mean, drawn towards 4.2 by five imagined reviews, so that one kind word does not lead the list."""
        return self.order_by(rating_score().desc(), "-session_count", "pk")

    def cheapest_first(self, currency: str) -> list[Self]:
        """One list after the other, each by an index: free, by the lowest price in that currency, and those who only
        ask for others."""
        cheapest = ("lowest_prices__price_minor", "lowest_prices__mentor")
        asked = LowestPrice.objects.filter(mentor=OuterRef("pk"), currency__in=[FREE, currency])
        return [
            *(self.filter(lowest_prices__currency=each).order_by(*cheapest) for each in (FREE, currency)),
            self.filter(~Exists(asked)).order_by("pk"),
        ]

    def newest_first(self) -> Self:
        return self.order_by(approval_time().desc(), "-pk")

    def busiest_first(self) -> Self:
        return self.order_by("-session_count", "-review_count", "pk")


def rating_score() -> Coalesce:
    """Of a mentor, as `MentorQuerySet.best_rated_first` says; nothing comes after everything."""
    weighed = (F("rating_mean") * F("review_count") + 21.0) / (F("review_count") + 5.0)
    return Coalesce(ExpressionWrapper(weighed, output_field=models.FloatField()), 0.0)


def approval_time() -> Coalesce:
    return Coalesce("approved_at", "applied_at")


def photo_path(mentor: "Mentor", filename: str) -> str:
    return f"mentors/{uuid.uuid4().hex}.jpg"


class Mentor(models.Model):
    class Status(models.TextChoices):
        APPLIED = "applied", "Waiting for approval"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Not accepted"
        SUSPENDED = "suspended", "Suspended"

    class Policy(models.TextChoices):
        FLEXIBLE = "flexible", "Flexible"
        MODERATE = "moderate", "Moderate"
        STRICT = "strict", "Strict"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="mentor")
    slug = models.SlugField(max_length=80, unique=True)
    status = models.CharField(max_length=12, choices=Status, default=Status.APPLIED)
    is_paused = models.BooleanField(default=False, help_text="Not listed and not bookable for now.")
    headline = models.CharField(max_length=120, validators=[validate_name])
    bio = models.TextField("about", max_length=4000)
    photo = models.ImageField(upload_to=photo_path, blank=True)
    skills = models.ManyToManyField(Skill, related_name="mentors")
    languages = models.ManyToManyField(Language, related_name="mentors")
    time_zone = models.CharField(max_length=64, validators=[validate_zone])
    cancellation_policy = models.CharField(max_length=12, choices=Policy, default=Policy.FLEXIBLE)

    slot_interval_minutes = models.PositiveSmallIntegerField(
        default=30, choices=[(15, "15 minutes"), (30, "30 minutes"), (60, "60 minutes")]
    )
    buffer_minutes = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(240)])
    minimum_notice_hours = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(720)])
    allows_same_day = models.BooleanField(default=False)
    window_days = models.PositiveSmallIntegerField(
        default=60, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    max_per_day = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(96)]
    )
    max_per_week = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(672)]
    )

    # Kept by bookings, written down here because browsing filters and sorts by them.
    rating_mean = models.DecimalField(max_digits=3, decimal_places=2, null=True, blank=True)
    review_count = models.PositiveIntegerField(default=0)
    session_count = models.PositiveIntegerField(default=0)

    applied_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = MentorQuerySet.as_manager()

    class Meta:
        # In the orders in which they are listed: a page reads as many as it shows.
        indexes = [
            models.Index(
                *(rating_score().desc(), F("session_count").desc(), F("id").asc()),
                condition=Q(status="approved", is_paused=False),
                name="mentor_by_rating",
            ),
            models.Index(
                *(approval_time().desc(), F("id").desc()),
                condition=Q(status="approved", is_paused=False),
                name="mentor_by_approval",
            ),
            models.Index(
                fields=["-session_count", "-review_count", "id"],
                condition=Q(status="approved", is_paused=False),
                name="mentor_by_sessions",
            ),
            models.Index(fields=["status", "id"], name="mentor_by_status"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(window_days__gte=1, window_days__lte=60), name="mentor_window_is_1_to_60_days"
            ),
            models.CheckConstraint(
                condition=Q(slot_interval_minutes__in=[15, 30, 60]),
                name="mentor_slot_interval_is_15_30_or_60",
            ),
        ]

    def __str__(self) -> str:
        return self.user.name

    def get_absolute_url(self) -> str:
        return reverse("mentor_detail", args=[self.slug])

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def number(self) -> int:
        return self.user_id

    @property
    def initials(self) -> str:
        return self.user.initials

    @property
    def photo_url(self) -> str:
        return self.photo.url if self.photo else ""

    @property
    def may_accept(self) -> bool:
        """Who has paused their profile still answers the requests that came before. Needs `user` loaded."""
        return self.status == self.Status.APPROVED and self.user.is_active

    def decision(self) -> "MentorStatusChange | None":
        """The latest of what staff decided: one query."""
        return self.status_changes.exclude(was="").last()

    @property
    def is_bookable(self) -> bool:
        """Needs `user` loaded."""
        return self.status == self.Status.APPROVED and not self.is_paused and self.user.is_active


class MentorWords(models.Model):
    """All that searching looks through of a mentor, in one place; `services.keeping` writes it."""

    mentor = models.OneToOneField(Mentor, on_delete=models.CASCADE, primary_key=True, related_name="words")
    text = models.TextField()

    def __str__(self) -> str:
        return f"words of {self.mentor_id}"


def words_of(mentor: Mentor) -> str:
    """The name, the headline, the bio and the skills, without their case. Needs `user` and `skills` loaded."""
    skills = [skill.name for skill in mentor.skills.all()]
    return "\n".join([mentor.user.name, mentor.headline, mentor.bio, *skills]).casefold()


MENTOR_TRANSITIONS: dict[str, frozenset[str]] = {
    Mentor.Status.APPLIED: frozenset({Mentor.Status.APPROVED, Mentor.Status.REJECTED}),
    Mentor.Status.APPROVED: frozenset({Mentor.Status.SUSPENDED}),
    Mentor.Status.REJECTED: frozenset({Mentor.Status.APPROVED}),
    Mentor.Status.SUSPENDED: frozenset({Mentor.Status.APPROVED}),
}


class MentorStatusChange(models.Model):
    """What became of a mentor: from, to, when, by whom and why. Rows are only ever added."""

    mentor = models.ForeignKey(Mentor, on_delete=models.CASCADE, related_name="status_changes")
    was = models.CharField("from", max_length=12, choices=Mentor.Status, blank=True)
    became = models.CharField("to", max_length=12, choices=Mentor.Status)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(became__in=["rejected", "suspended"]) | ~Q(reason=""),
                name="mentor_status_change_against_has_reason",
            )
        ]

    def __str__(self) -> str:
        return f"{self.mentor_id}: {self.get_became_display()}"


def validate_durations(value: object) -> None:
    """Raises `ValidationError` unless it is a list of different lengths that are offered, in minutes."""
    if (
        not isinstance(value, list)
        or not value
        or len(value) != len(set(value))
        or not set(value) <= set(DURATIONS)
    ):
        raise ValidationError("Choose one or more of 30, 60, 90 and 120 minutes.")


def payable_types(prefix: str = "") -> Q:
    """Of session types, or by `prefix` of what refers to them: active, and free or in a currency that can be taken."""
    is_free, is_taken = {f"{prefix}price_minor": 0}, {f"{prefix}currency__in": payable_currencies()}
    return Q(**{f"{prefix}is_active": True}) & (Q(**is_free) | Q(**is_taken))


class SessionTypeQuerySet(models.QuerySet["SessionType"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def payable(self) -> Self:
        """The active ones that are free, or in a currency that can be taken at the moment."""
        return self.filter(payable_types())


class SessionType(models.Model):
    class Pricing(models.TextChoices):
        FIXED = "fixed", "One price"
        HOURLY = "hourly", "By the hour"

    mentor = models.ForeignKey(Mentor, on_delete=models.PROTECT, related_name="session_types")
    slug = models.SlugField(max_length=80)
    name = models.CharField(max_length=80, validators=[validate_name])
    description = models.TextField(max_length=1000, blank=True)
    pricing = models.CharField(max_length=8, choices=Pricing, default=Pricing.FIXED)
    price_minor = models.PositiveIntegerField(
        default=0, help_text="In the currency's minor unit; per hour when hourly."
    )
    currency = models.CharField(max_length=3, choices=currency_choices(), default="INR")
    durations = models.JSONField(default=list, validators=[validate_durations])
    requires_approval = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    objects = SessionTypeQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["mentor", "slug"], name="session_type_slug_is_unique_for_mentor")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_free(self) -> bool:
        return self.price_minor == 0

    @property
    def fee_minor(self) -> int:
        """What the platform adds to the price; to an hour's when it is hourly."""
        return fee_on(self.price_minor, self.currency)

    @property
    def is_payable(self) -> bool:
        return self.is_free or is_payable(self.currency)


class LowestPrice(models.Model):
    """What a mentor asks at least: in each currency, or once, without a currency, where something is free.

    `services.keeping` writes it, for whoever looks for prices.
    """

    mentor = models.ForeignKey(Mentor, on_delete=models.CASCADE, related_name="lowest_prices", db_index=False)
    currency = models.CharField(max_length=3, blank=True)
    price_minor = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["currency", "price_minor", "mentor"], name="lowest_price_in_order")]
        constraints = [
            models.UniqueConstraint(fields=["mentor", "currency"], name="lowest_price_is_kept_once")
        ]

    def __str__(self) -> str:
        return f"{self.mentor_id}: {self.price_minor} {self.currency}"


def lowest_prices(offers: Iterable[SessionType]) -> dict[str, int]:
    """By currency, of those that are active; `FREE` alone where one is free. By the hour where that is the price."""
    found: dict[str, int] = {}
    for offer in offers:
        if offer.is_active:
            currency = FREE if offer.is_free else offer.currency
            found[currency] = min(offer.price_minor, found.get(currency, offer.price_minor))
    return {FREE: 0} if FREE in found else found


class WeeklyHoursQuerySet(models.QuerySet["WeeklyHours"]):
    def open(self) -> Self:
        return self.filter(kind=WeeklyHours.Kind.OPEN, is_active=True)


class WeeklyHours(models.Model):
    """An interval on one weekday of the mentor's wall clock; `ends` not after `starts` means the next day."""

    class Kind(models.TextChoices):
        OPEN = "open", "Open"
        BREAK = "break", "Break"

    mentor = models.ForeignKey(Mentor, on_delete=models.CASCADE, related_name="weekly_hours")
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.OPEN)
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    starts = models.TimeField()
    ends = models.TimeField()
    is_active = models.BooleanField(
        default=True, help_text="Switched off, it keeps its times and does nothing."
    )

    objects = WeeklyHoursQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["weekday", "starts"]
        verbose_name_plural = "weekly hours"
        constraints = [
            models.UniqueConstraint(
                fields=["mentor", "kind", "weekday", "starts"],
                condition=Q(is_active=True),
                name="weekly_hours_start_once_a_day",
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="weekly_hours_weekday_is_0_to_6"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.starts:%H:%M} to {self.ends:%H:%M}"


class DateOverrideQuerySet(models.QuerySet["DateOverride"]):
    def open_ahead(self, now: datetime) -> Self:
        """With hours of their own, on a date that is not over yet anywhere."""
        return self.filter(starts__isnull=False, last_date__gte=now.date() - timedelta(days=1))


class DateOverride(models.Model):
    """Dates of the mentor's calendar on which the week does not hold: blocked, or with hours of their own.

    Without `starts` and `ends` every date from `first_date` to `last_date` is blocked. With them, the
    rows of a date together replace that weekday's hours and breaks.
    """

    mentor = models.ForeignKey(Mentor, on_delete=models.CASCADE, related_name="date_overrides")
    first_date = models.DateField()
    last_date = models.DateField()
    starts = models.TimeField(null=True, blank=True)
    ends = models.TimeField(null=True, blank=True)
    note = models.CharField(max_length=120, blank=True)

    objects = DateOverrideQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["first_date", "starts"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_date__gte=F("first_date")), name="date_override_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=Q(starts__isnull=True, ends__isnull=True)
                | Q(starts__isnull=False, ends__isnull=False, last_date=F("first_date")),
                name="date_override_hours_are_of_one_date",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_date} to {self.last_date}"

    @property
    def is_blocked(self) -> bool:
        return self.starts is None
