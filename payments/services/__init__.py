"""The only writers of payments and refunds. `settle` is the only door to "paid"."""

from payments.services.checkout import (
    AlreadyPaid,
    HoldLapsed,
    NotPayable,
    ReturnUrls,
    ensure_payment,
    open_checkout,
    refuse_unpayable,
    release_payments,
)
from payments.services.refunds import NotRefundable, request_refund, send_refund
from payments.services.settlement import close_checkout, mark_reviewed, settle
from payments.services.sweep import sweep

__all__ = [
    "AlreadyPaid",
    "HoldLapsed",
    "NotPayable",
    "NotRefundable",
    "ReturnUrls",
    "close_checkout",
    "ensure_payment",
    "mark_reviewed",
    "open_checkout",
    "refuse_unpayable",
    "release_payments",
    "request_refund",
    "send_refund",
    "settle",
    "sweep",
]
