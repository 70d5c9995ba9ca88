from django.db import models


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

    class Meta:
        indexes = [models.Index(fields=["payment_id"], name="mock_checkout_by_payment")]

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
