from typing import ClassVar, Self

from django.db import models

from payments.models.payment import Payment


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
            models.UniqueConstraint(fields=["dispute_id", "payment"], name="dispute_is_once_a_payment")
        ]

    def __str__(self) -> str:
        return self.dispute_id
