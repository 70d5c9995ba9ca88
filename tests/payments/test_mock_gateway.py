"""The mock provider is held to what holds for all, and is off in production."""

import os
import subprocess
import sys

import pytest

from payments.gateways import REGISTRY
from tests.payments.gateway_harness import HARNESSES
from tests.payments.steps import (
    assert_nothing_happened,
)
from tests.servers import BASE_DIR

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_mock_is_held_to_the_contract_and_to_the_cases():
    assert set(HARNESSES) == set(REGISTRY) == {"mock", "razorpay", "stripe"}


@pytest.mark.parametrize(("named", "offered"), [(None, []), ("mock", ["mock"]), ("razorpay", ["razorpay"])])
def test_mock_is_off_in_production_unless_it_is_named(tmp_path, named, offered):
    production = {
        "DEBUG": "0",
        "SECRET_KEY": "0123456789" * 6,
        "ALLOWED_HOSTS": "example.com",
        "ENV_FILE": "",
        "DATA_DIR": str(tmp_path),
        "RAZORPAY_KEY_ID": "rzp_test_1",
        "RAZORPAY_KEY_SECRET": "secret",
        "RAZORPAY_WEBHOOK_SECRET": "secret",
    }
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    chosen = {"PAYMENT_GATEWAYS": named} if named else {}
    code = "from config import settings; print(*settings.PAYMENT_GATEWAYS)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=BASE_DIR,
        env=inherited | production | chosen,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == offered


@pytest.mark.parametrize("others", [[], ["stripe"], ["razorpay"]])
def test_mock_that_is_off_pays_nothing(settings, client, booking, student, others):
    settings.PAYMENT_GATEWAYS = others
    client.force_login(student)
    answer = client.post(f"/sessions/{booking.reference}/payment/mock/", {"outcome": "success"})
    assert answer.status_code == 404
    assert_nothing_happened(booking)
