"""The only writers of payments and refunds. `settle` is the only door to "paid"."""

from payments.services.checkout import (
    AlreadyPaid,
    BeingChecked,
    HoldLapsed,
    MentorGone,
    NotPayable,
    ReturnUrls,
    cancel_open_payments,
    ensure_payment,
    open_checkout,
    refuse_unpayable,
)
from payments.services.disputes import sync_disputes
from payments.services.leaving import forget_paid, forget_payers
from payments.services.reconciliation import reconcile
from payments.services.refund_rows import sync_refunds
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
from payments.services.saved_cards import (
    CardPayment,
    UnknownCard,
    keeper,
    known_cards,
    look_up_cards,
    pay_with_card,
    remove_card,
    start_adding_card,
)
from payments.services.settlement import (
    close_checkout,
    mark_reviewed,
    refund_mismatched_payment,
    settle,
    take_besides,
)
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
    "RefundsChanged",
    "ReturnUrls",
    "UnknownCard",
    "cancel_open_payments",
    "close_checkout",
    "enqueue_refund",
    "ensure_payment",
    "forget_old_events",
    "forget_paid",
    "forget_payers",
    "keeper",
    "known_cards",
    "look_up_cards",
    "mark_reviewed",
    "open_checkout",
    "pay_with_card",
    "process_webhook_event",
    "reconcile",
    "refund_by_staff",
    "refund_cancelled",
    "refund_mismatched_payment",
    "refundable",
    "refuse_unpayable",
    "remove_card",
    "retry_event",
    "retry_refund",
    "send_refund",
    "settle",
    "start_adding_card",
    "store_event",
    "sweep",
    "sync_disputes",
    "sync_refunds",
    "take_besides",
]
