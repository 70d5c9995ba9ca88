from payments.models.customer import ProviderCustomer
from payments.models.dispute import Dispute, DisputeQuerySet
from payments.models.mock import MockCheckout, MockRefund
from payments.models.payment import (
    ASK_LATEST,
    ASK_SOONEST,
    AT_PROVIDER,
    LIVE,
    PAYMENT_TRANSITIONS,
    WITH_BANK,
    Payment,
    PaymentQuerySet,
    PaymentStatus,
    order_reference,
)
from payments.models.payout import (
    FormerPayee,
    Payout,
    PayoutLine,
    PayoutLineQuerySet,
    PayoutQuerySet,
    payout_reference,
)
from payments.models.refund import (
    OWED,
    REFUND_TRANSITIONS,
    UNSETTLED,
    Refund,
    RefundQuerySet,
    RefundStatus,
    refund_reference,
)
from payments.models.webhook_event import WebhookEvent, WebhookEventQuerySet

__all__ = [
    "ASK_LATEST",
    "ASK_SOONEST",
    "AT_PROVIDER",
    "LIVE",
    "OWED",
    "PAYMENT_TRANSITIONS",
    "REFUND_TRANSITIONS",
    "UNSETTLED",
    "WITH_BANK",
    "Dispute",
    "DisputeQuerySet",
    "FormerPayee",
    "MockCheckout",
    "MockRefund",
    "Payment",
    "PaymentQuerySet",
    "PaymentStatus",
    "Payout",
    "PayoutLine",
    "PayoutLineQuerySet",
    "PayoutQuerySet",
    "ProviderCustomer",
    "Refund",
    "RefundQuerySet",
    "RefundStatus",
    "WebhookEvent",
    "WebhookEventQuerySet",
    "order_reference",
    "payout_reference",
    "refund_reference",
]
