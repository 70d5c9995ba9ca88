"""What of a request is looked at before its view is asked."""

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


def signed_by_sender(view: View) -> View:
    """For a view that checks its sender's signature: its body is the view's own to read, and its limit to keep."""
    view.is_signed_by_sender = True  # type: ignore[attr-defined]
    return view


def is_signed_by_sender(view: Callable[..., Any]) -> bool:
    return getattr(view, "is_signed_by_sender", False)
