"""Money counts as come in, or as gone back, by one function each, whoever finds out and however."""

import ast
from pathlib import Path

import pytest
from django.conf import settings

from payments.gateways.base import Money, PaymentState, PayStatus
from payments.models import Payment, PaymentStatus, RefundStatus
from payments.services.success import mark_succeeded
from tests.factories import NOW
from tests.payments.factories import paid_session

APPS = ("payments", "bookings", "mentors", "accounts", "notifications", "config", "lib")
ANOTHER_STATUS = {
    f"{table}.{status.name}"
    for table, statuses in (("PaymentStatus", PaymentStatus), ("RefundStatus", RefundStatus))
    for status in statuses
    if status.name != "SUCCEEDED"
}


def places_that_may_set_success(source: Path):
    """Functions that write a payment's or refund's status, unless it is plainly another one than `succeeded`."""
    for function in ast.walk(ast.parse(source.read_text())):
        if isinstance(function, ast.FunctionDef) and any(_may_set(node) for node in ast.walk(function)):
            yield f"{source.relative_to(settings.BASE_DIR)}:{function.name}"


def _may_set(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any(_sets_status(target, node.value) for target in node.targets)
    writes = {"update", "create", "get_or_create", "update_or_create", "Payment", "Refund"}
    return (
        isinstance(node, ast.Call)
        and _name(node.func) in writes
        and any(
            word.arg == "status" and ast.unparse(word.value) not in ANOTHER_STATUS for word in node.keywords
        )
    )


def _sets_status(target: ast.expr, value: ast.expr) -> bool:
    if isinstance(target, ast.Tuple):
        values = value.elts if isinstance(value, ast.Tuple) else [value] * len(target.elts)
        return any(_sets_status(*pair) for pair in zip(target.elts, values, strict=True))
    is_status = isinstance(target, ast.Attribute) and target.attr == "status"
    return is_status and ast.unparse(value) not in ANOTHER_STATUS


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_a_payment_and_a_refund_succeed_by_one_function_each():
    found = [
        place
        for app in APPS
        for source in sorted((settings.BASE_DIR / app).rglob("*.py"))
        if "PaymentStatus" in (text := source.read_text()) or "RefundStatus" in text
        for place in places_that_may_set_success(source)
    ]
    assert sorted(found) == [
        "config/demo/money.py:paid_payment",  # the demo's past, for which nobody is asked any more
        "payments/services/disputes.py:_record_one",  # a dispute's own
        "payments/services/refund_sync.py:_change_status",  # see below
        "payments/services/settlement.py:_follow",  # what the provider says that is not paid
        "payments/services/success.py:mark_succeeded",
    ]


def test_only_the_door_changes_a_refund_to_succeeded():
    source = (settings.BASE_DIR / "payments/services/refund_sync.py").read_text()
    callers = [
        function.name
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and _name(call.func) == "_change_status"
        if ast.unparse(call.args[-1]) == "RefundStatus.SUCCEEDED"
    ]
    assert callers == ["mark_refund_succeeded"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "status"),
    [
        (PaymentState("A", PayStatus.PAID, Money(105_001, "INR"), "PAY-A"), PaymentStatus.OPEN),
        (PaymentState("A", PayStatus.PAID, Money(105_000, "USD"), "PAY-A"), PaymentStatus.OPEN),
        (PaymentState("A", PayStatus.AUTHORIZED, Money(105_000, "INR"), "PAY-A"), PaymentStatus.OPEN),
        (PaymentState("A", PayStatus.PAID, Money(105_000, "INR"), "PAY-A"), PaymentStatus.SUCCEEDED),
        (PaymentState("A", PayStatus.PAID, Money(105_000, "INR"), "PAY-A"), PaymentStatus.CREATED),
    ],
)
def test_what_is_not_paid_to_the_unit_never_succeeds(state, status):
    payment = paid_session()
    Payment.objects.update(status=status)
    payment.refresh_from_db()
    with pytest.raises(ValueError, match=payment.reference):
        mark_succeeded(payment, state, is_surplus=False, now=NOW)
    payment.refresh_from_db()
    assert payment.status == status
