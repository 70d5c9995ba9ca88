"""Payments and what became of the money."""

from collections.abc import Iterator

from benchmarks.scale.rows.people import HOURLY, INSTANT
from benchmarks.scale.rows.sessions import (
    ASKED_ABOUT,
    GOES_BACK,
    NOT_PAID,
    PAST,
    WAITS_FOR_MONEY,
    WAS_FLAGGED,
)
from benchmarks.scale.rows.sql import Insert, code, now
from benchmarks.scale.sizes import DUE, Size

# Of a session that costs something: it came in, whatever became of it.
PAID = "status IN ('scheduled', 'completed', 'cancelled')"


def money(size: Size) -> Iterator[Insert]:
    paid = f"plan WHERE type IN ({INSTANT}, {HOURLY})"
    came_in = f"{paid} AND {PAID}"
    reached = "status <> 'expired'"
    order = f"'ORDER-' || {code('i', 2)}"
    expires = (
        f"CASE status WHEN 'awaiting_payment' THEN {now('10 minutes')}"
        " ELSE created_at + interval '15 minutes' END"
    )
    goes_back = f"k = {GOES_BACK} AND m <= {DUE}"
    was_flagged = f"k = {WAS_FLAGGED} AND m <= {DUE}"
    is_due = f"m <= {DUE} AND k IN ({GOES_BACK}, {NOT_PAID}, {ASKED_ABOUT})"
    yield Insert(
        "payments.Payment",
        paid,
        {
            "id": "i",
            "reference": order,
            "booking_id": "i",
            "mentor_id": "m",
            "status": "CASE status WHEN 'expired' THEN 'canceled' WHEN 'awaiting_payment' THEN 'open'"
            " ELSE 'succeeded' END",
            "amount_minor": "amount",
            "platform_fee_minor": "fee",
            "currency": "currency",
            "gateway": f"CASE WHEN {reached} THEN 'mock' ELSE '' END",
            "provider_ref": f"CASE WHEN {reached} THEN 'MOCK-' || {code('i', 3)} ELSE '' END",
            "payment_id": f"CASE WHEN {PAID} THEN 'PAY-' || {code('i', 4)} ELSE '' END",
            "request": f"jsonb_build_object('ref', {order}, 'amount', amount, 'currency', currency,"
            " 'description', 'A session of sixty minutes', 'email', 'student-' || student || '@example.com')",
            "checkout_expires_at": f"CASE WHEN {reached} THEN {expires} END",
            "refunded_minor": f"CASE WHEN status = 'cancelled' AND NOT ({goes_back}) THEN amount ELSE 0 END",
            "reserved_minor": f"CASE WHEN {goes_back} THEN amount ELSE 0 END",
            "paid_out_minor": f"CASE WHEN status = 'completed' AND k < {PAST - 10} THEN price ELSE 0 END",
            "provider_fee_minor": f"CASE WHEN {PAID} THEN 0 END",
            "provider_fee_currency": f"CASE WHEN {PAID} THEN currency ELSE '' END",
            "ask_at": f"CASE WHEN status = 'awaiting_payment' THEN CASE k WHEN {WAITS_FOR_MONEY}"
            f" THEN {now('5 minutes')} ELSE {now('-1 minute')} END END",
            "needs_review": was_flagged,
            "review_reason": f"CASE WHEN {was_flagged} THEN 'Staff were asked to look at it.' ELSE '' END",
            "created_at": "created_at",
            "succeeded_at": f"CASE WHEN {PAID} THEN created_at + interval '5 minutes' END",
        },
    )
    yield Insert(
        "payments.Refund",
        f"{paid} AND status = 'cancelled'",
        {
            "id": "i",
            "reference": f"'REFUND-' || {code('i', 5)}",
            "payment_id": "i",
            "amount_minor": "amount",
            "reason": "'cancelled'",
            "status": f"CASE WHEN {goes_back} THEN 'requested' ELSE 'succeeded' END",
            "actor_id": "student",
            "key": f"'refund-' || {code('i', 5)}",
            "provider_id": f"CASE WHEN {goes_back} THEN '' ELSE 'MOCKREFUND-' || {code('i', 6)} END",
            "attempts": f"CASE WHEN {goes_back} THEN 0 ELSE 1 END",
            "due_at": f"CASE WHEN {goes_back} THEN {now('-1 minute')} ELSE starts_at - interval '1 day' END",
            "created_at": "starts_at - interval '1 day'",
            "succeeded_at": f"CASE WHEN {goes_back} THEN NULL ELSE starts_at - interval '1 day' END",
        },
    )
    yield Insert(
        "payments.Dispute",
        f"{came_in} AND status = 'completed' AND mod(i, 997) = 1",
        {
            "payment_id": "i",
            "dispute_id": "'DISPUTE-' || i",
            "status": "'won'",
            "amount_minor": "amount",
            "reason": "'fraudulent'",
            "opened_at": "ends_at + interval '2 days'",
            "closed_at": "ends_at + interval '20 days'",
        },
    )
    # What was done is kept for a quarter; a little of it is older, some waits, and some was given up.
    last_paid = f"{came_in} AND created_at > {now('-89 days')}"
    yield _webhook_event("'EVENT-' || i", last_paid, "created_at + interval '5 minutes'", done=True)
    yield _webhook_event("'OLD-' || i", f"{came_in} AND k = 1 AND m <= {DUE}", now("-91 days"), done=True)
    asked = f"{paid} AND m <= {DUE} AND k = {ASKED_ABOUT}"
    yield _webhook_event("'DUE-' || i", asked, now("-1 minute"), done=False)
    yield _webhook_event("'LOST-' || i", asked, now("-3 days"), done=False, gave_up=True)
    # The mock provider's own books: of what it may still be asked about.
    yield Insert(
        "payments.MockCheckout",
        f"{paid} AND {reached} AND (created_at > {now('-4 days')} OR {is_due})",
        {
            "id": "i",
            "provider_ref": f"'MOCK-' || {code('i', 3)}",
            "key": f"'checkout-' || {order} || '-1'",
            "request": f"jsonb_build_object('ref', {order})",
            "amount_minor": "amount",
            "currency": "currency",
            "status": "CASE status WHEN 'awaiting_payment' THEN 'open' ELSE 'paid' END",
            "payment_id": f"CASE status WHEN 'awaiting_payment' THEN '' ELSE 'PAY-' || {code('i', 4)} END",
            "expires_at": expires,
        },
    )
    yield from _payouts(size, paid)


def _webhook_event(key: str, source: str, at: str, *, done: bool, gave_up: bool = False) -> Insert:
    return Insert(
        "payments.WebhookEvent",
        source,
        {
            "gateway": "'mock'",
            "event_id": key,
            "type": "'checkout.completed'",
            "kind": "'payment'",
            "provider_ref": f"'MOCK-' || {code('i', 3)}",
            "our_ref": f"'ORDER-' || {code('i', 2)}",
            "body": "jsonb_build_object('type', 'checkout.completed', 'status', 'complete', 'amount_total', amount)",
            "order_id": "i" if done else "NULL::bigint",
            "received_at": at,
            "processed_at": at if done else "NULL::timestamptz",
            "attempts": "12" if gave_up else "1" if done else "0",
            "due_at": at,
            "gave_up_at": at if gave_up else "NULL::timestamptz",
            "error": "'The provider did not answer'" if gave_up else "''",
        },
    )


def _payouts(size: Size, paid: str) -> Iterator[Insert]:
    """Every eighty days each mentor is sent what they earned, for each currency; the last forty days still wait."""
    key = "((m::bigint - 1) * 8 + k / 20) * 2 + type / 2 + 1"
    shares = f"(SELECT *, {key} AS payout FROM {paid} AND status = 'completed' AND k < {PAST - 10}) shares"
    at = f"max(date_trunc('day', {now()}, 'UTC') - (147 - 20 * (k / 20)) * 4 * interval '1 day')"
    yield Insert(
        "payments.Payout",
        f"{shares} GROUP BY payout",
        {
            "id": "payout",
            "reference": f"'PAYOUT-' || {code('payout', 7)}",
            "mentor_id": "min(m)",
            "currency": "min(currency)",
            "amount_minor": "sum(price)",
            "transfer_reference": "'NEFT-' || payout",
            "recorded_at": at,
            "recorded_by_id": str(size.mentors + size.students + 1),
        },
    )
    yield Insert(
        "payments.PayoutLine",
        shares,
        {"id": "i", "payout_id": "payout", "payment_id": "i", "kind": "'share'", "amount_minor": "price"},
    )
