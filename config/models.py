from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.urls import reverse


class Heartbeat(models.Model):
    """When the schedule last reached a worker through this queue. A row, since web and worker share nothing else in
    every set-up."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S} UTC"


class SweepQuerySet(models.QuerySet["Sweep"]):
    def take(self, name: str, *, holder: str, now: datetime, until: datetime) -> bool:
        """Compare and set: false while somebody else has it, until theirs lapses."""
        self.get_or_create(name=name, defaults={"held_until": now})
        free = models.Q(held_until__lte=now) | models.Q(holder=holder)
        return bool(self.filter(free, name=name).update(holder=holder, held_until=until))


class Sweep(models.Model):
    """A task that runs once at a time: who has it, until when at most, and when it last went through."""

    name = models.CharField(max_length=80, primary_key=True)
    holder = models.CharField(max_length=64, blank=True)
    held_until = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = SweepQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class FailingRowQuerySet(models.QuerySet["FailingRow"]):
    def open(self) -> Self:
        return self.filter(resolved_at=None)


class FailingRow(models.Model):
    """What a sweep could not do, the latest time and since when; resolved as soon as it succeeds."""

    sweep = models.CharField(max_length=80)
    row = models.CharField(max_length=120, help_text="What staff know it by.")
    # Where it stands in admin; empty for what is no row of ours.
    model = models.CharField(max_length=80, blank=True)
    object_id = models.BigIntegerField(null=True, blank=True)
    count = models.PositiveIntegerField("times", default=1)
    error = models.CharField(max_length=300)
    first_at = models.DateTimeField("since")
    last_at = models.DateTimeField("last")
    resolved_at = models.DateTimeField("resolved", null=True, blank=True)

    objects = FailingRowQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-last_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["sweep", "row"], name="failing_row_is_noted_once_a_sweep")
        ]

    def __str__(self) -> str:
        return f"{self.row} ({self.sweep})"


class PlainPage(models.Model):
    """The text of a plain page, where staff have written their own; empty: the one that comes with the site."""

    class Slug(models.TextChoices):
        TERMS = "terms", "Terms"
        PRIVACY = "privacy", "Privacy"
        REFUNDS = "refunds", "Refunds"
        CONTACT = "contact", "Contact"

    slug = models.SlugField("page", choices=Slug, primary_key=True)
    text = models.TextField(
        blank=True,
        max_length=40_000,
        help_text="An empty line parts paragraphs, “# ” begins a heading, “- ” a line of a list. {site}, "
        "{support_email} and {policies} are filled in. Empty: the text that comes with the site.",
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["slug"]

    def __str__(self) -> str:
        return str(self.get_slug_display())

    def get_absolute_url(self) -> str:
        return reverse(self.slug)
