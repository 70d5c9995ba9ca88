from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from payments.models.payment import Payment


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
        indexes = [
            models.Index(fields=["processed_at", "due_at"], name="webhook_event_by_due_time"),
            models.Index(fields=["id"], condition=Q(processed_at=None), name="webhook_event_unprocessed"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["event_id", "gateway"], name="webhook_event_is_stored_once")
        ]

    def __str__(self) -> str:
        return self.event_id
