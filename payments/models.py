from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from bookings.models import Booking
from lib.references import new_reference
from mentors.models import Mentor


def order_reference() -> str:
    return new_reference("ORDER")


def refund_reference() -> str:
    return new_reference("REFUND")


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


class PaymentQuerySet(models.QuerySet["Payment"]):
    def live(self) -> Self:
        """Those that may still be paid in the ordinary way: at most one a booking."""
        return self.filter(status__in=LIVE)

    def at_provider(self) -> Self:
        return self.filter(status__in=AT_PROVIDER)

    def being_checked(self) -> Self:
        """Money that may have come in: a bank or staff have to say. Meanwhile nobody should pay again."""
        looked_at = Q(needs_review=True) | Q(status__in=WITH_BANK)
        return self.filter(looked_at).exclude(status=PaymentStatus.SUCCEEDED)

    def undecided(self) -> Self:
        """Another amount than was asked for came in, and staff have not said what becomes of it."""
        return self.filter(needs_review=True).exclude(payment_id="").exclude(status=PaymentStatus.SUCCEEDED)

    def counted(self) -> Self:
        """Money that paid for its session: at most one a booking. A second payment is surplus and goes back."""
        return self.filter(status=PaymentStatus.SUCCEEDED, is_surplus=False)


class Payment(models.Model):
    """One order: an amount asked for a session, from before any provider hears of it until the money is in."""

    reference = models.CharField("order", max_length=24, unique=True, default=order_reference, editable=False)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="payments")
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
        related_name="came_in_besides",
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
    # While it is, nothing is paid out for it.
    is_disputed = models.BooleanField("in dispute", default=False)
    # What the provider keeps, which is the platform's cost; perhaps in the currency of the platform's account.
    provider_fee_minor = models.PositiveIntegerField(null=True, blank=True)
    provider_fee_currency = models.CharField(max_length=3, blank=True)
    # When the provider is asked next, while it has the last word.
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
        indexes = [models.Index(fields=["status"], name="payment_by_status")]
        constraints = [
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
                fields=["gateway", "provider_ref"],
                condition=~Q(provider_ref=""),
                name="payment_checkout_is_unique",
            ),
            models.UniqueConstraint(
                fields=["gateway", "payment_id"],
                condition=~Q(payment_id=""),
                name="payment_payment_id_is_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

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

    def may_become(self, status: PaymentStatus) -> bool:
        return status in PAYMENT_TRANSITIONS[PaymentStatus(self.status)]


class RefundStatus(models.TextChoices):
    REQUESTED = "requested", "Requested"
    PENDING = "pending", "On its way"
    SUCCEEDED = "succeeded", "Refunded"
    FAILED = "failed", "Failed"
    DROPPED = "dropped", "Dropped"


# A bank may send back what had arrived already; staff try a failed one again, or the money is found elsewhere.
REFUND_TRANSITIONS: dict[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.REQUESTED: frozenset(
        {RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.FAILED, RefundStatus.DROPPED}
    ),
    RefundStatus.PENDING: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    RefundStatus.SUCCEEDED: frozenset({RefundStatus.FAILED}),
    RefundStatus.FAILED: frozenset(
        {RefundStatus.REQUESTED, RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.DROPPED}
    ),
    RefundStatus.DROPPED: frozenset(),
}
UNSETTLED = (RefundStatus.REQUESTED, RefundStatus.PENDING)
# Not with the payer yet, and owed to them: reserved on the payment.
OWED = (*UNSETTLED, RefundStatus.FAILED)


class RefundQuerySet(models.QuerySet["Refund"]):
    def due(self, now: datetime) -> Self:
        """Those to send, send again, or ask the provider about."""
        return self.filter(status__in=UNSETTLED, due_at__lte=now)


class Refund(models.Model):
    """Money that goes back: asked for once, sent under one key until the provider's answer is known."""

    class Reason(models.TextChoices):
        NOT_CONFIRMED = "not_confirmed", "The session could not be confirmed"
        SURPLUS = "surplus", "Paid twice"
        CANCELLED = "cancelled", "The session was cancelled"
        STAFF = "staff", "Refunded by our staff"
        EXTERNAL = "external", "Refunded at the payment provider"

    reference = models.CharField(max_length=24, unique=True, default=refund_reference, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.PositiveIntegerField()
    reason = models.CharField(max_length=16, choices=Reason)
    note = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=12, choices=RefundStatus, default=RefundStatus.REQUESTED)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="asked for by",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    key = models.CharField("idempotency key", max_length=100)
    # How often it was sent anew, under a new key, because the provider certainly had none under the old.
    renewals = models.PositiveSmallIntegerField(default=0)
    provider_id = models.CharField("refund at the provider", max_length=255, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    succeeded_at = models.DateTimeField(null=True, blank=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["status", "due_at"], name="refund_by_due_time")]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_amount_is_positive"),
            models.UniqueConstraint(fields=["key"], name="refund_key_is_unique"),
            models.UniqueConstraint(
                fields=["payment", "provider_id"],
                condition=~Q(provider_id=""),
                name="refund_provider_id_is_unique_for_payment",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def may_become(self, status: RefundStatus) -> bool:
        return status in REFUND_TRANSITIONS[RefundStatus(self.status)]

    @property
    def is_open(self) -> bool:
        """Still owed, whether or not it has failed."""
        return self.status in OWED

    @property
    def sent_key(self) -> str:
        """What the provider is sent under: the same until it certainly came to nothing."""
        return self.key + f"-{self.renewals + 1}" * bool(self.renewals)

    @property
    def sent_ref(self) -> str:
        return self.sent_refs[-1]

    @property
    def sent_refs(self) -> list[str]:
        """By what the provider may know it, the present one last."""
        return [self.reference, *(f"{self.reference}-{number + 2}" for number in range(self.renewals))]


class MockCheckout(models.Model):
    """The mock provider's own books: what it would know if it were a company. Only its gateway reads them."""

    provider_ref = models.CharField(max_length=40, unique=True)
    key = models.CharField(max_length=255, unique=True)
    request = models.JSONField()
    amount_minor = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=12)
    payment_id = models.CharField(max_length=40, blank=True)
    failure = models.CharField(max_length=300, blank=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.provider_ref


class MockRefund(models.Model):
    refund_id = models.CharField(max_length=40, unique=True)
    key = models.CharField(max_length=100, unique=True)
    checkout = models.ForeignKey(MockCheckout, on_delete=models.CASCADE, related_name="refunds")
    amount_minor = models.PositiveIntegerField()
    our_ref = models.CharField(max_length=40)
    status = models.CharField(max_length=12)

    def __str__(self) -> str:
        return self.refund_id


class ProviderCustomer(models.Model):
    """A person as a provider knows them, and the cards it keeps for them as they were last seen."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    gateway = models.CharField(max_length=12)
    customer_ref = models.CharField("customer at the provider", max_length=255)
    # What a payer knows a card by, as `SavedCard` has it; never a number.
    cards = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "gateway"], name="provider_customer_is_one_a_person"),
            models.UniqueConstraint(
                fields=["gateway", "customer_ref"], name="provider_customer_is_one_person"
            ),
        ]

    def __str__(self) -> str:
        return self.customer_ref


class DisputeQuerySet(models.QuerySet["Dispute"]):
    def open(self) -> Self:
        return self.filter(status=Dispute.Status.OPEN)

    def chargebacks(self) -> Self:
        """Those in which the bank has taken the money back, or will."""
        return self.filter(is_inquiry=False)


class Dispute(models.Model):
    """The payer's bank wants the money of a payment back, or asks about it."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    dispute_id = models.CharField("dispute at the provider", max_length=255)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    # In the payment's currency.
    amount_minor = models.PositiveIntegerField()
    is_inquiry = models.BooleanField("only asked about", default=False)
    reason = models.CharField(max_length=300, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = DisputeQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-opened_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["payment", "dispute_id"], name="dispute_is_once_a_payment")
        ]

    def __str__(self) -> str:
        return self.dispute_id


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    def unprocessed(self) -> Self:
        return self.filter(processed_at=None)

    def due(self, now: datetime) -> Self:
        """Those to take up; one that was given up waits for staff."""
        return self.unprocessed().filter(gave_up_at=None, due_at__lte=now)


class WebhookEvent(models.Model):
    """Something that a provider told us, signed. Seen is not done: that is `processed_at`."""

    class Kind(models.TextChoices):
        PAYMENT = "payment", "Payment"
        REFUND = "refund", "Refund"
        DISPUTE = "dispute", "Dispute"

    gateway = models.CharField(max_length=12)
    event_id = models.CharField("event at the provider", max_length=255)
    type = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=Kind)
    provider_ref = models.CharField("checkout at the provider", max_length=255, blank=True)
    payment_id = models.CharField("payment at the provider", max_length=255, blank=True)
    refund_id = models.CharField("refund at the provider", max_length=255, blank=True)
    our_ref = models.CharField("order's reference", max_length=255, blank=True)
    # What is safe to keep: no card, no person, no signature.
    body = models.JSONField(default=dict, blank=True)
    order = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.SET_NULL, related_name="webhook_events"
    )
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    gave_up_at = models.DateTimeField("given up", null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-received_at", "-pk"]
        indexes = [models.Index(fields=["processed_at", "due_at"], name="webhook_event_by_due_time")]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "event_id"], name="webhook_event_is_stored_once")
        ]

    def __str__(self) -> str:
        return self.event_id


def payout_reference() -> str:
    return new_reference("PAYOUT")


class PayoutQuerySet(models.QuerySet["Payout"]):
    def standing(self) -> Self:
        """Those whose transfer did not come back."""
        return self.filter(returned_at=None)


class Payout(models.Model):
    """One bank transfer to a mentor, in one currency: the shares that it paid, less what was taken back since."""

    reference = models.CharField(max_length=24, unique=True, default=payout_reference, editable=False)
    mentor = models.ForeignKey(Mentor, on_delete=models.PROTECT, related_name="payouts")
    currency = models.CharField(max_length=3)
    amount_minor = models.PositiveIntegerField()
    transfer_reference = models.CharField("reference of the bank transfer", max_length=100)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # A transfer that the bank sent back has paid nothing: its shares are owed again.
    returned_at = models.DateTimeField(null=True, blank=True)
    returned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = PayoutQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-recorded_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payout_amount_is_positive"),
            models.UniqueConstraint(
                fields=["mentor", "transfer_reference"], name="payout_transfer_is_recorded_once"
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class FormerPayee(models.Model):
    """Whom staff still pay after the account was closed: the one place where their name and address are kept.

    Gone some time after the last payout, when nothing is owed any more.
    """

    mentor = models.OneToOneField(Mentor, on_delete=models.PROTECT, related_name="former_payee")
    name = models.CharField(max_length=120)
    email = models.EmailField("e-mail address")
    closed_at = models.DateTimeField("account closed")

    def __str__(self) -> str:
        return self.name


class PayoutLineQuerySet(models.QuerySet["PayoutLine"]):
    def standing(self) -> Self:
        return self.filter(is_returned=False)


class PayoutLine(models.Model):
    """A mentor's share of one payment in a payout; or what changed about it after it was paid out."""

    class Kind(models.TextChoices):
        SHARE = "share", "Share"
        CORRECTION = "correction", "Correction"

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="lines")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="payout_lines")
    kind = models.CharField(max_length=10, choices=Kind)
    # Below nothing when a refund or a chargeback came after the share was paid out.
    amount_minor = models.IntegerField()
    is_returned = models.BooleanField("came back with its transfer", default=False)

    objects = PayoutLineQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0) | Q(kind="correction", amount_minor__lt=0),
                name="payout_line_pays_or_takes_back",
            ),
            models.UniqueConstraint(
                fields=["payment"],
                condition=Q(kind="share", is_returned=False),
                name="payout_line_pays_a_share_once",
            ),
            models.UniqueConstraint(fields=["payout", "payment"], name="payout_line_is_once_a_payout"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} for {self.payment_id}"
