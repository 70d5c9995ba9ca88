from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import BigIntegerField, F, Q, Value
from django.db.models.functions import Cast, Greatest

from bookings.models import Booking
from lib.references import new_reference
from mentors.models import Mentor

# Sums are wider than the columns that they are made of.
WIDE = BigIntegerField()


def order_reference() -> str:
    return new_reference("ORDER")


class PaymentStatus(models.TextChoices):
    CREATED = "created", "Not started"
    OPEN = "open", "Waiting for payment"
    PROCESSING = "processing", "Being checked by the bank"
    AUTHORIZED = "authorized", "Authorized"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Expired"
    CANCELED = "canceled", "Canceled"


# Only forward. Money that came in late counts whatever had been written down before.
PAYMENT_TRANSITIONS: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.CREATED: frozenset({PaymentStatus.OPEN, PaymentStatus.CANCELED}),
    PaymentStatus.OPEN: frozenset(
        {
            PaymentStatus.PROCESSING,
            PaymentStatus.AUTHORIZED,
            PaymentStatus.SUCCEEDED,
            PaymentStatus.FAILED,
            PaymentStatus.EXPIRED,
            PaymentStatus.CANCELED,
        }
    ),
    PaymentStatus.PROCESSING: frozenset(
        {
            PaymentStatus.AUTHORIZED,
            PaymentStatus.SUCCEEDED,
            PaymentStatus.FAILED,
            PaymentStatus.EXPIRED,
            PaymentStatus.CANCELED,
        }
    ),
    PaymentStatus.AUTHORIZED: frozenset(
        {PaymentStatus.SUCCEEDED, PaymentStatus.FAILED, PaymentStatus.EXPIRED, PaymentStatus.CANCELED}
    ),
    PaymentStatus.SUCCEEDED: frozenset(),
    PaymentStatus.FAILED: frozenset({PaymentStatus.SUCCEEDED}),
    PaymentStatus.EXPIRED: frozenset({PaymentStatus.SUCCEEDED}),
    PaymentStatus.CANCELED: frozenset({PaymentStatus.SUCCEEDED}),
}
AT_PROVIDER = (PaymentStatus.OPEN, PaymentStatus.PROCESSING, PaymentStatus.AUTHORIZED)
LIVE = (PaymentStatus.CREATED, *AT_PROVIDER)
# With the bank, which has not decided: the time is kept.
WITH_BANK = (PaymentStatus.PROCESSING, PaymentStatus.AUTHORIZED)
# Between two times that a provider is asked about one payment.
ASK_SOONEST, ASK_LATEST = timedelta(minutes=1), timedelta(minutes=30)


MENTOR_IS_DUE = Q(due_minor__lt=0) | Q(due_minor__gt=0)


class PaymentQuerySet(models.QuerySet["Payment"]):
    def live(self) -> Self:
        """Those that may still be paid in the ordinary way: at most one a booking."""
        return self.filter(status__in=LIVE)

    def at_provider(self) -> Self:
        return self.filter(status__in=AT_PROVIDER)

    def to_ask_about(self, now: datetime) -> Self:
        """At a provider, which has the last word, in the order in which it is asked. Not what staff look at."""
        return self.at_provider().filter(review_reason="", ask_at__lte=now).order_by("ask_at", "pk")

    def being_checked(self) -> Self:
        """Money that may have come in: a bank or staff have to say. Meanwhile nobody should pay again."""
        looked_at = Q(needs_review=True) | Q(status__in=WITH_BANK)
        return self.filter(looked_at).exclude(status=PaymentStatus.SUCCEEDED)

    def mismatched(self) -> Self:
        """Another amount than was asked for came in, and staff have not said what becomes of it."""
        return self.filter(needs_review=True).exclude(payment_id="").exclude(status=PaymentStatus.SUCCEEDED)

    def counted(self) -> Self:
        """Money that paid for its session: at most one a booking. A second payment is surplus and goes back."""
        return self.filter(status=PaymentStatus.SUCCEEDED, is_surplus=False)

    def with_mentor_due(self) -> Self:
        """Of the counted ones those with a share that is not paid out, or of which too much was."""
        return self.counted().filter(MENTOR_IS_DUE)


class Payment(models.Model):
    """One order: an amount asked for a session, from before any provider hears of it until the money is in."""

    reference = models.CharField("order", max_length=24, default=order_reference, editable=False)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="payments")
    # Its session's, which never changes: what is to be paid out is found by it.
    mentor = models.ForeignKey(
        Mentor, on_delete=models.PROTECT, related_name="+", db_index=False, editable=False
    )
    status = models.CharField(max_length=12, choices=PaymentStatus, default=PaymentStatus.CREATED)

    # As it was when booked, in the currency's minor unit; the fee is a part of the amount.
    amount_minor = models.PositiveIntegerField()
    platform_fee_minor = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)

    gateway = models.CharField(max_length=12, blank=True)
    provider_ref = models.CharField("checkout at the provider", max_length=255, blank=True)
    payment_id = models.CharField("payment at the provider", max_length=255, blank=True)
    # Money that came in on another payment's checkout, after that one was paid: surplus, with no checkout of its own.
    same_checkout_as = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="second_payments",
        editable=False,
    )
    # What the provider is asked, word for word: the same idempotency key must always send the same.
    attempt = models.PositiveSmallIntegerField(default=1)
    request = models.JSONField(default=dict, blank=True)
    checkout_url = models.TextField("payment page at the provider", blank=True)
    checkout_expires_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=300, blank=True)

    is_surplus = models.BooleanField("paid twice", default=False)
    refunded_minor = models.PositiveIntegerField(default=0)
    reserved_minor = models.PositiveIntegerField("on its way back", default=0)
    lost_minor = models.PositiveIntegerField("lost to chargebacks", default=0)
    # What the mentor was sent for it, corrections included: what the standing lines of payouts add up to.
    paid_out_minor = models.BigIntegerField("paid out to the mentor", default=0, editable=False)
    # Of the mentor's share, as `payments.shares` divides, what is not paid out yet; below nothing: paid out in excess.
    due_minor = models.GeneratedField(
        expression=Greatest(
            Cast("amount_minor", WIDE)
            - F("platform_fee_minor")
            - F("refunded_minor")
            - F("reserved_minor")
            - F("lost_minor"),
            Value(0, output_field=WIDE),
            output_field=WIDE,
        )
        - F("paid_out_minor"),
        output_field=WIDE,
        db_persist=True,
    )
    # While it is, nothing is paid out for it.
    is_disputed = models.BooleanField("in dispute", default=False)
    # What the provider keeps, which is the platform's cost; perhaps in the currency of the platform's account.
    provider_fee_minor = models.PositiveIntegerField(null=True, blank=True)
    provider_fee_currency = models.CharField(max_length=3, blank=True)
    # When the provider is asked next, while it has the last word: at once when that is past.
    ask_at = models.DateTimeField(null=True, blank=True)

    needs_review = models.BooleanField(default=False)
    review_reason = models.CharField(max_length=300, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    created_at = models.DateTimeField()
    succeeded_at = models.DateTimeField(null=True, blank=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["status"], name="payment_by_status"),
            models.Index(fields=["created_at", "id"], name="payment_by_creation"),
            models.Index(
                fields=["mentor", "currency"],
                condition=MENTOR_IS_DUE & Q(status=PaymentStatus.SUCCEEDED, is_surplus=False),
                name="payment_to_pay_out",
            ),
            models.Index(fields=["id"], condition=Q(needs_review=True), name="payment_to_review"),
            models.Index(
                fields=["ask_at", "id"],
                condition=Q(status__in=AT_PROVIDER, review_reason=""),
                name="payment_to_ask_about",
            ),
            models.Index(fields=["id"], condition=Q(is_disputed=True), name="payment_in_dispute"),
            models.Index(fields=["id"], condition=Q(is_surplus=True), name="payment_surplus"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="payment_reference_is_unique"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_amount_is_positive"),
            models.CheckConstraint(
                condition=Q(platform_fee_minor__lte=F("amount_minor")), name="payment_fee_is_within_amount"
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=F("refunded_minor") + F("reserved_minor")),
                name="payment_refunds_are_within_amount",
            ),
            models.CheckConstraint(
                condition=~Q(status=PaymentStatus.SUCCEEDED) | Q(succeeded_at__isnull=False),
                name="payment_succeeded_has_time",
            ),
            models.UniqueConstraint(
                fields=["booking"], condition=Q(status__in=LIVE), name="payment_is_open_once_a_booking"
            ),
            models.UniqueConstraint(
                fields=["booking"],
                condition=Q(status=PaymentStatus.SUCCEEDED, is_surplus=False),
                name="payment_counts_once_a_booking",
            ),
            models.CheckConstraint(
                condition=Q(same_checkout_as=None) | Q(is_surplus=True, provider_ref=""),
                name="payment_besides_another_is_surplus",
            ),
            models.UniqueConstraint(
                fields=["provider_ref", "gateway"],
                condition=~Q(provider_ref=""),
                name="payment_checkout_is_unique",
            ),
            models.UniqueConstraint(
                fields=["payment_id", "gateway"],
                condition=~Q(payment_id=""),
                name="payment_payment_id_is_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.mentor_id = self.booking.mentor_id
        super().save(*args, **kwargs)

    @property
    def price_minor(self) -> int:
        return self.amount_minor - self.platform_fee_minor

    @property
    def refundable_minor(self) -> int:
        """What neither went back, nor is on its way, nor was taken by the payer's bank."""
        return max(self.amount_minor - self.refunded_minor - self.reserved_minor - self.lost_minor, 0)

    @property
    def is_being_checked(self) -> bool:
        """As `PaymentQuerySet.being_checked`."""
        looked_at = self.needs_review or self.status in WITH_BANK
        return looked_at and self.status != PaymentStatus.SUCCEEDED

    @property
    def idempotency_key(self) -> str:
        """Of the checkout: a new attempt is a new request to the provider."""
        return f"checkout-{self.reference}-{self.attempt}"

    def ask_next_at(self, now: datetime) -> datetime | None:
        """The longer it takes, the less often: a card is quick, a bank takes days. None when nothing is open."""
        if self.status not in AT_PROVIDER:
            return None
        return now + min(max((now - self.created_at) / 10, ASK_SOONEST), ASK_LATEST)

    def may_become(self, status: PaymentStatus) -> bool:
        return status in PAYMENT_TRANSITIONS[PaymentStatus(self.status)]
