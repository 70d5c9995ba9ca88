"""The mock provider on a bad day: it stands at the boundary, in place of what could go wrong on the network."""

from collections.abc import Callable
from typing import Any

from django.db import connection

from payments.gateways.base import GatewayError
from payments.gateways.mock import MockGateway


class FailingGateway(MockGateway):
    """`refuses["fetch"] = error` raises instead of working, `loses["refund"] = error` raises after it worked,
    `says["fetch"] = change` alters the answer. `calls` are the names of the methods that were called."""

    def __init__(self) -> None:
        self.refuses: dict[str, GatewayError] = {}
        self.loses: dict[str, GatewayError] = {}
        self.says: dict[str, Callable[[Any], Any]] = {}
        self.calls: list[str] = []
        self.depth = len(connection.savepoint_ids)

    def _answer(self, name: str, *args: Any, **kwargs: Any) -> Any:
        assert len(connection.savepoint_ids) == self.depth, f"{name} was called inside a transaction"
        self.calls.append(name)
        if name in self.refuses:
            raise self.refuses[name]
        answer = getattr(MockGateway, name)(self, *args, **kwargs)
        if name in self.loses:
            raise self.loses[name]
        return self.says[name](answer) if name in self.says else answer

    def create_checkout(self, *args: Any, **kwargs: Any) -> Any:
        return self._answer("create_checkout", *args, **kwargs)

    def fetch(self, *args: Any, **kwargs: Any) -> Any:
        return self._answer("fetch", *args, **kwargs)

    def expire(self, *args: Any, **kwargs: Any) -> Any:
        return self._answer("expire", *args, **kwargs)

    def refund(self, *args: Any, **kwargs: Any) -> Any:
        return self._answer("refund", *args, **kwargs)

    def fetch_refund(self, *args: Any, **kwargs: Any) -> Any:
        return self._answer("fetch_refund", *args, **kwargs)

    def list_payments(self, *args: Any, **kwargs: Any) -> Any:
        return self._answer("list_payments", *args, **kwargs)

    def list_refunds(self, *args: Any, **kwargs: Any) -> Any:
        return self._answer("list_refunds", *args, **kwargs)
