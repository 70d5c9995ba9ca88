from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from lib.references import new_reference
from mentors.models import Mentor
from payments.models.payment import Payment


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
                fields=["transfer_reference", "mentor"], name="payout_transfer_is_recorded_once"
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
