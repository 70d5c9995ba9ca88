import pytest
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from bookings.models import session_reference


def test_reference_is_an_address() -> None:
    reference = session_reference()
    assert resolve(reverse("session_detail", args=[reference])).kwargs == {"reference": reference}


@pytest.mark.parametrize(
    "text",
    [
        "SESSION-",
        "SESSION-SHORT",
        "SESSION-ILOU000000",
        "session-0000000000",
        "SESSION-" + "0" * 33,
        "0000000000",
        "x",
    ],
)
def test_what_is_no_reference_is_no_address(text: str) -> None:
    with pytest.raises(Resolver404):
        resolve(f"/sessions/{text}/")
    with pytest.raises(NoReverseMatch):
        reverse("session_detail", args=[text])
