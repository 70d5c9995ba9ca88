"""What the site expects of a payment provider. Adapters translate; nothing here knows any of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Protocol, Self, runtime_checkable


class GatewayError(Exception):
    """`str()` is for logs; `safe_message` may be shown to whoever pays."""

    retryable = False
    safe_message = "The payment provider could not be reached."


class GatewayUnavailable(GatewayError):
    """Timeout, no connection, 5xx, 409, 429, HTML. After a write its outcome is unknown: repeat with the same key."""

    retryable = True


class GatewayRejected(GatewayError):
    """The provider's final no: repeating the same request will not help."""

    safe_message = "The payment provider did not accept the request."


class CardDeclined(GatewayRejected):
    """The bank's no. `safe_message` is the provider's own sentence, written for whoever pays."""

    def __init__(self, message: str, safe_message: str) -> None:
        super().__init__(message)
        self.safe_message = safe_message


class AlreadyRefunded(GatewayRejected):
    """Nothing is left to go back: `list_refunds` says where it went."""


class NotExpirable(GatewayRejected):
    """The checkout ended in another way meanwhile."""


class CustomerNotFound(GatewayRejected):
    """The provider doesn't know the customer `customer_ref`. Ask again without it."""

    safe_message = GatewayError.safe_message


class IdempotencyKeyUnusable(GatewayRejected):
    """Under this idempotency key the provider can only repeat a failure. Ask again under a new key."""

    safe_message = GatewayError.safe_message


class GatewayMisconfigured(GatewayError):
    """Keys or gateway missing or wrong (401, 403): a matter for staff."""


class InvalidSignature(GatewayError):
    """What came back in the provider's name was not signed by it."""


@dataclass(frozen=True)
class Money:
    """Minor units and an upper-case ISO 4217 code; an adapter that wants it otherwise converts at its edge."""

    minor: int
    currency: str


@dataclass(frozen=True)
class CheckoutRequest:
    ref: str
    attempt: int
    amount: Money
    description: str
    email: str
    name: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    idempotency_key: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    # The payer as the provider knows them, if it does: saved cards and contact details come with it.
    customer_ref: str = ""
    # To be paid by `charge_payment_method` instead of on a page: then there is no page, and nothing moves before that.
    by_saved_card: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            **vars(self),
            "amount": vars(self.amount),
            "expires_at": self.expires_at.isoformat(),
            "metadata": dict(self.metadata),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            **{
                **data,
                "amount": Money(**data["amount"]),
                "expires_at": datetime.fromisoformat(data["expires_at"]),
            }
        )


@dataclass(frozen=True)
class Checkout:
    """Where to pay: a page of the provider's, or options for its script, or neither when our page has it all."""

    provider_ref: str
    expires_at: datetime
    redirect_url: str | None = None
    client_options: Mapping[str, Any] | None = None


class PayStatus(StrEnum):
    OPEN = "open"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELED = "canceled"


@dataclass(frozen=True)
class PaymentState:
    """A checkout as the provider knows it. `failure` is the reason of the last try, also while it stays open."""

    provider_ref: str
    status: PayStatus
    amount: Money | None = None
    payment_id: str = ""
    failure: str = ""
    fee: Money | None = None
    refunded: Money | None = None
    created: datetime | None = None
    attempts: int = 0
    disputed: bool = False
    our_ref: str = ""
    # Further payments that came in on the same checkout, where a provider lets that happen.
    second_payments: tuple["PaymentState", ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def received(self) -> tuple["PaymentState", ...]:
        """Every payment that came in on the checkout, the oldest first."""
        return (self, *self.second_payments) if self.status is PayStatus.PAID else ()


class RefundResult(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class RefundState:
    refund_id: str
    payment_id: str
    status: RefundResult
    amount: Money
    our_ref: str = ""
    failure: str = ""


class DisputeStatus(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True)
class DisputeState:
    """`amount` is what the payer's bank took back, or asks about. An inquiry takes nothing: `is_inquiry`."""

    dispute_id: str
    payment_id: str
    status: DisputeStatus
    amount: Money
    reason: str = ""
    is_inquiry: bool = False
    created: datetime | None = None


@dataclass(frozen=True)
class WebhookEvent:
    """A hint that something changed, whose ids say what to fetch. `event_id` is the same whenever it is sent again."""

    event_id: str
    type: str
    kind: Literal["payment", "refund", "dispute", "ignored"]
    provider_ref: str | None = None
    payment_id: str | None = None
    refund_id: str | None = None
    our_ref: str = ""
    created: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


class Gateway(Protocol):
    """Every method may raise a `GatewayError`, and goes over the network: never call one inside a transaction."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def currencies(self) -> frozenset[str]: ...

    @property
    def hosted(self) -> bool:
        """Paid on a page of the provider's; else on ours."""

    @property
    def can_expire(self) -> bool:
        """Whether a checkout can be closed; else it can be paid as long as it likes, and is only asked after."""

    @property
    def partial_refunds(self) -> bool: ...

    @property
    def shortest_checkout(self) -> timedelta:
        """No checkout may be asked to end sooner than this from now."""

    def create_checkout(self, request: CheckoutRequest) -> Checkout:
        """The same request under the same key gives the same checkout, however often it is sent.

        Raises `GatewayRejected` for what can't be paid, `CustomerNotFound`, and `IdempotencyKeyUnusable`.
        """

    def fetch(self, provider_ref: str) -> PaymentState:
        """The only source of truth about a payment. Raises `GatewayRejected` for a checkout that is not known."""

    def verify_return(self, provider_ref: str, data: Mapping[str, str]) -> None:
        """Checks what the browser brought back for this checkout. Raises `InvalidSignature`."""

    def expire(self, provider_ref: str) -> PaymentState:
        """Close the checkout and say how it ended: PAID when the payer was faster.

        Raises `NotExpirable` for one that stays open all the same.
        """

    def refund(self, payment_id: str, amount: Money, *, key: str, ref: str, reason: str) -> RefundState:
        """Safe to repeat under the same key. Raises `GatewayRejected` for more than can go back, or for nothing,
        `AlreadyRefunded`, and `IdempotencyKeyUnusable`."""

    def fetch_refund(self, refund_id: str, payment_id: str) -> RefundState:
        """Raises `GatewayRejected` for a refund that is not known."""

    def list_refunds(self, payment_id: str) -> list[RefundState]:
        """The oldest first; none for a payment that is not known."""

    def list_disputes(self, payment_id: str) -> list[DisputeState]:
        """The oldest first; none for a payment that is not known."""

    def list_payments(self, since: datetime) -> Iterator[PaymentState]:
        """For reconciliation: every payment or checkout begun since then, perhaps some older, perhaps not ours."""

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        """Verifies before it reads. Raises `InvalidSignature`; asks nobody."""


@dataclass(frozen=True)
class PaymentMethod:
    """A saved card. `method_ref` is the provider's id for it, `brand` its maker in words, as in "Visa"."""

    method_ref: str
    brand: str
    last_four: str
    expires_month: int
    expires_year: int


@dataclass(frozen=True)
class CardCharge:
    """Where a charge stands. With `redirect_url` the payer's bank asks them to confirm it there first."""

    state: PaymentState
    redirect_url: str = ""


@runtime_checkable
class PaymentMethodGateway(Gateway, Protocol):
    """A gateway that also saves its customers' cards, so that we never see one."""

    def create_customer(self, *, ref: str, email: str, name: str) -> str:
        """The payer at the provider; the same person asked for again, soon, is the same customer."""

    def create_setup_page(self, customer_ref: str, *, success_url: str, cancel_url: str) -> str:
        """The address of the provider's page on which a card is added. Raises `CustomerNotFound`."""

    def list_payment_methods(self, customer_ref: str) -> list[PaymentMethod]:
        """Raises `CustomerNotFound`."""

    def detach_payment_method(self, customer_ref: str, method_ref: str) -> None:
        """Nothing happens to a card that is gone already. Raises `GatewayRejected` for another's card."""

    def charge_payment_method(self, provider_ref: str, method_ref: str, *, return_url: str) -> CardCharge:
        """Pay a checkout that was made for it, at most once, however often it is called. Raises `CardDeclined`."""
