import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Exists, F, Func, OuterRef, Q
from django.urls import reverse

from accounts.models import User
from lib.references import new_reference
from mentors.models import Mentor, SessionType, payable_types


class Status(models.TextChoices):
    REQUESTED = "requested", "Waiting for the mentor"
    AWAITING_PAYMENT = "awaiting_payment", "Waiting for payment"
    SCHEDULED = "scheduled", "Scheduled"
    COMPLETED = "completed", "Completed"
    NO_SHOW = "no_show", "Missed"
    DECLINED = "declined", "Declined"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"


BOOKING_TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.REQUESTED: frozenset(
        {Status.AWAITING_PAYMENT, Status.SCHEDULED, Status.DECLINED, Status.EXPIRED, Status.CANCELLED}
    ),
    Status.AWAITING_PAYMENT: frozenset({Status.SCHEDULED, Status.EXPIRED, Status.CANCELLED}),
    Status.SCHEDULED: frozenset({Status.COMPLETED, Status.CANCELLED, Status.NO_SHOW}),
    Status.COMPLETED: frozenset({Status.NO_SHOW}),
    Status.NO_SHOW: frozenset({Status.COMPLETED}),
    Status.DECLINED: frozenset(),
    Status.EXPIRED: frozenset({Status.SCHEDULED}),  # only by a late payment whose slot is still free
    Status.CANCELLED: frozenset(),
}
# Those whose time is claimed: by a hold with an end, or for good.
HOLDING = (Status.REQUESTED, Status.AWAITING_PAYMENT)
ENDED = (Status.DECLINED, Status.EXPIRED, Status.CANCELLED)

# No claim is longer: a session of two hours and four hours of buffer fit well.
LONGEST_CLAIM = timedelta(hours=24)


def session_reference() -> str:
    return new_reference("SESSION")


def meeting_room() -> str:
    return secrets.token_urlsafe(16)


def _hold_stands(now: datetime) -> Q:
    return Q(status=Status.AWAITING_PAYMENT, hold_expires_at__gt=now)


def _waits(now: datetime) -> Q:
    """A request or an unpaid hold that stands: nobody has answered or paid, and there is still time to."""
    return _hold_stands(now) | Q(status=Status.REQUESTED, respond_by__gt=now)


def _hold_has_lapsed(now: datetime) -> Q:
    return Q(status=Status.AWAITING_PAYMENT, hold_expires_at__lte=now)


def _request_has_lapsed(now: datetime) -> Q:
    return Q(status=Status.REQUESTED, respond_by__lte=now)


def _has_lapsed(now: datetime) -> Q:
    """The time to pay or to answer is over, whether or not a sweep has been by."""
    return _hold_has_lapsed(now) | _request_has_lapsed(now)


class BookingQuerySet(models.QuerySet["Booking"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """A session is seen by its student, its mentor, and staff who may look at sessions."""
        if user.has_perm("bookings.view_booking"):
            return self.all()
        return self.filter(Q(student_id=user.pk) | Q(mentor__user_id=user.pk)) if user.pk else self.none()

    def of(self, user: User) -> Self:
        """As student and as mentor."""
        # A value that is known beforehand, and not a join: an index leads to either part.
        mentor = Mentor.objects.filter(user=user).values("pk")[:1]
        return self.filter(Q(student=user) | Q(mentor=mentor))

    def for_student(self, user: User) -> Self:
        return self.filter(student=user)

    def for_mentor(self, mentor: Mentor) -> Self:
        return self.filter(mentor=mentor)

    def with_people(self) -> Self:
        return self.select_related("mentor__user", "student", "session_type")

    def lapsed(self, now: datetime) -> Self:
        """Holds and requests whose time to pay or answer is over, whether or not a sweep has been by."""
        return self.filter(_has_lapsed(now))

    def lapsed_holds(self, now: datetime) -> Self:
        return self.filter(_hold_has_lapsed(now))

    def lapsed_requests(self, now: datetime) -> Self:
        return self.filter(_request_has_lapsed(now))

    def waiting(self, now: datetime) -> Self:
        """Requests and unpaid holds that stand."""
        return self.filter(_waits(now))

    def standing(self, now: datetime) -> Self:
        """Those that have their time: agreed, or waiting."""
        return self.filter(Q(status=Status.SCHEDULED) | _waits(now))

    def over(self, now: datetime) -> Self:
        """Agreed sessions whose end has passed, and of which no sweep has said so yet."""
        return self.filter(status=Status.SCHEDULED, ends_at__lte=now)

    def open_holds(self, now: datetime) -> Self:
        return self.filter(_hold_stands(now))

    def given_up_for(self, session_type: SessionType, student: User, now: datetime) -> Self:
        """The hold that a student gives up by picking another time of the type; never one a mentor accepted."""
        return self.open_holds(now).filter(
            student=student, session_type=session_type, requires_approval=False
        )

    def left_behind(self) -> Self:
        """Holds and requests whose mentor is gone. Asks who is: they are few, and those who wait are many."""
        return self.filter(
            mentor__in=list(Mentor.objects.gone().values_list("pk", flat=True)), status__in=HOLDING
        )

    def upcoming(self, now: datetime) -> Self:
        """Agreed sessions that are not over, and what waits."""
        # None that is not over began so long ago; said so that an index on the start leads to them.
        return self.filter(
            Q(status=Status.SCHEDULED, ends_at__gt=now) | _waits(now), starts_at__gt=now - LONGEST_CLAIM
        )

    def past(self, now: datetime) -> Self:
        return self.filter(
            Q(status__in=[Status.COMPLETED, Status.NO_SHOW]) | Q(status=Status.SCHEDULED, ends_at__lte=now)
        )

    def cancelled(self, now: datetime) -> Self:
        """Ended without taking place: cancelled, declined, expired, and lapsed holds."""
        return self.filter(Q(status__in=ENDED) | _has_lapsed(now))


class Booking(models.Model):
    """One session between a student and a mentor, with everything that was agreed when it was booked."""

    reference = models.CharField(max_length=24, default=session_reference, editable=False)
    # Their composite indexes begin with them.
    mentor = models.ForeignKey(Mentor, on_delete=models.PROTECT, related_name="bookings", db_index=False)
    student = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bookings", db_index=False
    )
    session_type = models.ForeignKey(SessionType, on_delete=models.PROTECT, related_name="bookings")
    status = models.CharField(max_length=20, choices=Status)

    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    hold_expires_at = models.DateTimeField(null=True, blank=True)
    respond_by = models.DateTimeField(null=True, blank=True)

    # As it was when booked: later changes of the type, the fee or the policy don't reach a session.
    type_name = models.CharField(max_length=80)
    buffer_minutes = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(240)])
    price_minor = models.PositiveIntegerField()
    fee_minor = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    cancellation_policy = models.CharField(max_length=12, choices=Mentor.Policy)
    requires_approval = models.BooleanField(default=False)

    # Whoever has the room's name can enter: people only ever get the session's join page.
    room = models.CharField(max_length=32, default=meeting_room, editable=False)

    topic = models.CharField(max_length=200, blank=True)
    notes = models.TextField(max_length=2000, blank=True)
    moves = models.PositiveSmallIntegerField(
        default=0, help_text="How often its student has moved it unasked."
    )
    # Of the calendar entry: + 1 at every change that calendars must hear of (RFC 5545 §3.8.7.4).
    sequence = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()

    objects = BookingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-starts_at"]
        indexes = [
            models.Index(fields=["student", "starts_at"], name="booking_by_student"),
            models.Index(fields=["mentor", "starts_at"], name="booking_by_mentor"),
            models.Index(fields=["status", "ends_at"], name="booking_by_status"),
            models.Index(fields=["starts_at", "id"], name="booking_by_start"),
            models.Index(fields=["mentor", "id"], condition=Q(status__in=HOLDING), name="booking_that_waits"),
            models.Index(
                fields=["status", "starts_at", "id"],
                condition=Q(status__in=HOLDING),
                name="booking_waiting_by_start",
            ),
            models.Index(
                fields=["hold_expires_at", "id"],
                condition=Q(status=Status.AWAITING_PAYMENT),
                name="booking_to_expire_unpaid",
            ),
            models.Index(
                fields=["respond_by", "id"],
                condition=Q(status=Status.REQUESTED),
                name="booking_to_expire_unanswered",
            ),
        ]
        constraints = [
            # No `unique=True`, which on PostgreSQL brings a second index for prefixes that nobody asks for.
            models.UniqueConstraint(fields=["reference"], name="booking_reference_is_unique"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="booking_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.AWAITING_PAYMENT) | Q(hold_expires_at__isnull=False),
                name="booking_awaiting_payment_has_hold_end",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.REQUESTED) | Q(respond_by__isnull=False),
                name="booking_requested_has_answer_time",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("session_detail", args=[self.reference])

    @property
    def meeting_url(self) -> str:
        return f"https://meet.jit.si/OfficeHours-{self.room}"

    @property
    def amount_minor(self) -> int:
        """What the student pays: price and platform fee."""
        return self.price_minor + self.fee_minor

    @property
    def is_free(self) -> bool:
        return self.amount_minor == 0

    @property
    def duration_minutes(self) -> int:
        return int((self.ends_at - self.starts_at).total_seconds() // 60)

    def is_lapsed(self, now: datetime) -> bool:
        """Its hold or the time for an answer is over, though no sweep may have said so yet."""
        if self.status == Status.AWAITING_PAYMENT:
            return self.hold_expires_at is not None and self.hold_expires_at <= now
        return self.status == Status.REQUESTED and self.respond_by is not None and self.respond_by <= now

    def status_at(self, now: datetime) -> Status:
        """The status by the clock: a lapsed hold reads expired, a session that is over completed."""
        if self.is_lapsed(now):
            return Status.EXPIRED
        if self.status == Status.SCHEDULED and self.ends_at <= now:
            return Status.COMPLETED
        return Status(self.status)

    @property
    def mentor_is_gone(self) -> bool:
        """Suspended, or without an account: nobody would be there. Needs the people loaded."""
        return not self.mentor.may_accept

    def payable_at(self, now: datetime) -> bool:
        return self.status == Status.AWAITING_PAYMENT and not self.is_lapsed(now) and self.starts_at > now


class BookingEvent(models.Model):
    """A session's history: what happened, when, and by whom. Rows are only ever added."""

    class Kind(models.TextChoices):
        REQUESTED = "requested", "Requested"
        HELD = "held", "Time held for payment"
        ACCEPTED = "accepted", "Accepted by the mentor"
        SCHEDULED = "scheduled", "Scheduled"
        DECLINED = "declined", "Declined by the mentor"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"
        COMPLETED = "completed", "Completed"
        JOINED = "joined", "Joined"
        MOVED = "moved", "Moved"
        MOVE_ASKED = "move_asked", "Asked to move"
        MOVE_TAKEN_BACK = "move_taken_back", "Request to move taken back"
        MOVE_REFUSED = "move_refused", "Kept at its time"
        MOVE_LAPSED = "move_lapsed", "Request to move not answered"

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=16, choices=Kind)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)
    moved_from = models.DateTimeField(
        null=True, blank=True, help_text="When the session began before it was moved."
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.kind}"


class MoveRequestQuerySet(models.QuerySet["MoveRequest"]):
    def open_at(self, now: datetime) -> Self:
        """Those that wait for an answer: the clock ends them, whether or not a sweep has been by."""
        return self.filter(status=MoveRequest.Status.OPEN, answer_by__gt=now)

    def lapsed(self, now: datetime) -> Self:
        return self.filter(status=MoveRequest.Status.OPEN, answer_by__lte=now)


class MoveRequest(models.Model):
    """One of a session's two people asks the other to move it. Until the answer the old time stands."""

    class Status(models.TextChoices):
        OPEN = "open", "Waiting for an answer"
        MOVED = "moved", "Moved"
        KEPT = "kept", "Kept at the old time"
        LAPSED = "lapsed", "Not answered in time"
        TAKEN_BACK = "taken_back", "Taken back"
        ENDED = "ended", "The session was cancelled"

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="move_requests")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    reason = models.CharField(max_length=500)
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    created_at = models.DateTimeField()
    answer_by = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = MoveRequestQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["pk"]
        indexes = [
            models.Index(fields=["answer_by", "id"], condition=Q(status="open"), name="move_request_to_lapse")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["booking"], condition=Q(status="open"), name="move_request_is_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.get_status_display()}"

    @property
    def is_mentors(self) -> bool:
        """Needs the booking loaded: who isn't its student is its mentor."""
        return self.asked_by_id != self.booking.student_id


class ProposedTime(models.Model):
    """A start that whoever asks to move proposes. A claim keeps it until the answer."""

    request = models.ForeignKey(MoveRequest, on_delete=models.CASCADE, related_name="times", db_index=False)
    starts_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["starts_at"]
        constraints = [
            models.UniqueConstraint(fields=["request", "starts_at"], name="proposed_time_is_proposed_once")
        ]

    def __str__(self) -> str:
        return f"{self.starts_at}"


class TimeRange(Func):
    """`tstzrange(a, b)`, half open."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class NoOverlap(ExclusionConstraint):
    """The exclusion constraint on PostgreSQL; on SQLite the triggers in `bookings.triggers` say the same."""

    def constraint_sql(self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        return super().constraint_sql(model, schema_editor) if _has_exclusion(schema_editor) else None

    def create_sql(self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        return super().create_sql(model, schema_editor) if _has_exclusion(schema_editor) else None

    def remove_sql(self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        return super().remove_sql(model, schema_editor) if _has_exclusion(schema_editor) else None

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Only the database can answer this without a race."""


def _has_exclusion(schema_editor: BaseDatabaseSchemaEditor | None) -> bool:
    return schema_editor is not None and schema_editor.connection.vendor == "postgresql"


class TimeClaimQuerySet(models.QuerySet["TimeClaim"]):
    def reaching_into(self, begin: datetime, end: datetime) -> Self:
        """Those that take something of that stretch. Their start is bounded on both sides, so that none of a
        person's past is read."""
        return self.filter(starts_at__gt=begin - LONGEST_CLAIM, starts_at__lt=end, ends_at__gt=begin)

    def live(self, now: datetime) -> Self:
        """Claims that count: the lapsed ones free their time by the clock alone."""
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))


class TimeClaim(models.Model):
    """A piece of one person's time that a booking has; no person's claims for different bookings overlap, ever."""

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="claims")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="time_claims", db_index=False
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = TimeClaimQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["person", "starts_at", "ends_at"], name="time_claim_by_person")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="time_claim_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__lte=F("starts_at") + LONGEST_CLAIM), name="time_claim_is_within_a_day"
            ),
            NoOverlap(
                name="time_claim_never_overlaps",
                expressions=[
                    ("person", RangeOperators.EQUAL),
                    ("booking", RangeOperators.NOT_EQUAL),
                    (TimeRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: {self.starts_at} to {self.ends_at}"


class ReviewQuerySet(models.QuerySet["Review"]):
    def shown(self) -> Self:
        """Those that people see, and that count."""
        return self.filter(hidden_at=None)


class Review(models.Model):
    """A student's word on a session. Nobody rewrites it; staff can hide it, and then it doesn't count either."""

    booking = models.OneToOneField(Booking, on_delete=models.PROTECT, related_name="review")
    rating = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    words = models.TextField(max_length=2000, blank=True)
    created_at = models.DateTimeField()
    hidden_at = models.DateTimeField(null=True, blank=True)
    hidden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    hidden_reason = models.CharField("hidden because", max_length=500, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(rating__gte=1, rating__lte=5), name="review_rating_is_1_to_5"),
            models.CheckConstraint(
                condition=Q(hidden_at=None, hidden_by=None, hidden_reason="")
                | (Q(hidden_at__isnull=False, hidden_by__isnull=False) & ~Q(hidden_reason="")),
                name="review_hidden_has_who_and_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating} for {self.booking_id}"


class NextOpeningQuerySet(models.QuerySet["NextOpening"]):
    def ahead(self, now: datetime) -> Self:
        """Those that can still be booked by the clock."""
        return self.filter(starts_at__gt=now, closes_at__gt=now)

    def open(self, now: datetime) -> Self:
        """The same with mentors and for sessions that can be booked."""
        gone = User.objects.filter(pk=OuterRef("mentor__user"), is_active=False)
        listed = self.filter(mentor__status=Mentor.Status.APPROVED, mentor__is_paused=False)
        return listed.ahead(now).filter(~Exists(gone), payable_types("session_type__"))


class NextOpening(models.Model):
    """One of the next times at which a type of session can be booked, as it was when it was written down.

    Advice for pages that show many mentors: what it leads into asks the engine. `services.openings` writes it.
    """

    mentor = models.ForeignKey(Mentor, on_delete=models.CASCADE, related_name="next_openings", db_index=False)
    session_type = models.ForeignKey(
        SessionType, on_delete=models.CASCADE, related_name="next_openings", db_index=False
    )
    starts_at = models.DateTimeField()
    # From then on it is too late to book it: by the notice that is asked for, or since its day has begun.
    closes_at = models.DateTimeField()

    objects = NextOpeningQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["starts_at", "id"], name="next_opening_by_start"),
            models.Index(fields=["mentor", "starts_at"], name="next_opening_by_mentor"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["session_type", "starts_at"], name="next_opening_is_kept_once")
        ]

    def __str__(self) -> str:
        return f"{self.session_type_id}: {self.starts_at}"


class KeptOpeningsQuerySet(models.QuerySet["KeptOpenings"]):
    def due(self, now: datetime) -> Self:
        return self.filter(due_at__lte=now)


class KeptOpenings(models.Model):
    """When a mentor's next openings are to be found anew, and at which hours of a day the mentor is open at all."""

    mentor = models.OneToOneField(Mentor, on_delete=models.CASCADE, related_name="kept_openings")
    due_at = models.DateTimeField(db_index=True)
    # One more with each change, so that one that comes while openings are being found is not overlooked.
    changes = models.PositiveIntegerField(default=0)
    # Of a day's 48 half hours in UTC those in which something can be booked within the week: bit 0 is midnight's.
    half_hours = models.BigIntegerField(default=0)

    objects = KeptOpeningsQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.mentor_id}, due {self.due_at}"
