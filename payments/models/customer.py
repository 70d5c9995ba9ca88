from django.conf import settings
from django.db import models


class ProviderCustomer(models.Model):
    """A person as a provider knows them, and the cards it keeps for them as they were last seen."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    gateway = models.CharField(max_length=12)
    customer_ref = models.CharField("customer at the provider", max_length=255)
    # What a payer knows a card by, as `PaymentMethod` has it; never a number.
    cards = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    # Of somebody who closed their account: the cards are still to be detached, and then the row goes.
    is_former = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(is_former=True), name="customer_former")]
        constraints = [
            models.UniqueConstraint(fields=["user", "gateway"], name="provider_customer_is_one_a_person"),
            models.UniqueConstraint(
                fields=["gateway", "customer_ref"], name="provider_customer_is_one_person"
            ),
        ]

    def __str__(self) -> str:
        return self.customer_ref
