from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from lib.references import new_reference
from payments.models.payment import Payment


def refund_reference() -> str:
    return new_reference("REFUND")


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
        indexes = [
            models.Index(fields=["status", "due_at"], name="refund_by_due_time"),
            models.Index(fields=["id"], condition=Q(status__in=OWED), name="refund_owed"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_amount_is_positive"),
            models.UniqueConstraint(fields=["key"], name="refund_key_is_unique"),
            models.UniqueConstraint(
                fields=["provider_id", "payment"],
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
