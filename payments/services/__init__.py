"""The only writers of payments and refunds.

A payment becomes `succeeded` in `success.mark_succeeded` alone, and a refund in `refund_sync.mark_refund_succeeded`.
"""

from payments.services.checkout import (
    AlreadyPaid,
    BeingChecked,
    HoldLapsed,
    MentorGone,
    NotPayable,
    ReturnUrls,
    cancel_open_payments,
    create_payment,
    ensure_payment,
    open_checkout,
    refuse_unpayable,
)
from payments.services.closed_accounts import delete_paid_payees, detach_cards_of_closed_accounts
from payments.services.disputes import sync_disputes
from payments.services.mismatches import refund_mismatched_payment
from payments.services.payment_methods import (
    CardPayment,
    PaymentMethodNotFound,
    pay_with_saved_card,
    payment_method_gateway,
    refresh_payment_methods,
    remove_payment_method,
    start_adding_payment_method,
    stored_payment_methods,
)
from payments.services.reconciliation import reconcile
from payments.services.refund_sync import sync_refunds
from payments.services.refunds import (
    NotRefundable,
    RefundsChanged,
    enqueue_refund,
    refund_by_staff,
    refund_cancelled,
    refundable,
    retry_refund,
    send_refund,
)
from payments.services.review import mark_payment_reviewed
from payments.services.second_payments import record_second_payments
from payments.services.settlement import close_checkout, settle
from payments.services.sweep import sweep
from payments.services.webhooks import forget_old_events, process_webhook_event, retry_event, store_event

__all__ = [
    "AlreadyPaid",
    "BeingChecked",
    "CardPayment",
    "HoldLapsed",
    "MentorGone",
    "NotPayable",
    "NotRefundable",
    "PaymentMethodNotFound",
    "RefundsChanged",
    "ReturnUrls",
    "cancel_open_payments",
    "close_checkout",
    "create_payment",
    "delete_paid_payees",
    "detach_cards_of_closed_accounts",
    "enqueue_refund",
    "ensure_payment",
    "forget_old_events",
    "mark_payment_reviewed",
    "open_checkout",
    "pay_with_saved_card",
    "payment_method_gateway",
    "process_webhook_event",
    "reconcile",
    "record_second_payments",
    "refresh_payment_methods",
    "refund_by_staff",
    "refund_cancelled",
    "refund_mismatched_payment",
    "refundable",
    "refuse_unpayable",
    "remove_payment_method",
    "retry_event",
    "retry_refund",
    "send_refund",
    "settle",
    "start_adding_payment_method",
    "store_event",
    "stored_payment_methods",
    "sweep",
    "sync_disputes",
    "sync_refunds",
]
