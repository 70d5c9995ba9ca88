import json
import os
import runpy
import subprocess
import sys
from unittest.mock import patch

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.servers import BASE_DIR

PRODUCTION = {"SECRET_KEY": "k" * 60, "ALLOWED_HOSTS": "example.com"}
SHOWN = (
    *(
        "ALLOWED_HOSTS",
        "DEBUG",
        "SITE_URL",
        "SECURE_SSL_REDIRECT",
        "SESSION_COOKIE_SECURE",
        "PAYMENT_GATEWAYS",
    ),
    *("MAX_OPEN_HOLDS", "MAX_OPEN_REQUESTS", "MAX_FREE_SESSIONS_WITH_ONE_MENTOR", "MAX_FREE_SESSIONS"),
    *("NEW_ACCOUNT_DAYS", "MAX_MESSAGES_A_DAY"),
    *("ACCOUNT_EMAIL_VERIFICATION", "PLATFORM_FEE_BASIS_POINTS", "PLATFORM_FEE_MINIMUM", "HOLD_MINUTES"),
    *("EMAIL_BACKEND", "EMAIL_HOST", "CELERY_BROKER_URL", "CACHES", "DATABASES", "DEFAULT_TIME_ZONE"),
    *("CONTENT_SECURITY_POLICY", "SECURE_PROXY_SSL_HEADER", "ANYMAIL", "SITE_NAME"),
    *("RAZORPAY_WEBHOOK_SECRETS", "RAZORPAY_API_BASE", "RAZORPAY_CHECKOUT_JS"),
    *("STRIPE_WEBHOOK_SECRETS", "STRIPE_API_BASE", "STAFF_TWO_STEP", "TOKEN_KEYS"),
)


def settings_from(tmp_path, **variables):
    """The settings as they are made where nothing else is set; paths as text."""
    with patch.dict(os.environ, {"DATA_DIR": str(tmp_path), "ENV_FILE": "", **variables}, clear=True):
        made = runpy.run_path(str(BASE_DIR / "config" / "settings.py"))
    return json.loads(json.dumps({name: made.get(name) for name in SHOWN}, default=str))


def refusal(tmp_path, **variables):
    """The words with which they refuse to be made."""
    with pytest.raises(ImproperlyConfigured) as refused:
        settings_from(tmp_path, **variables)
    return str(refused.value)


def test_settings_are_production_when_nothing_says_otherwise(tmp_path):
    settings = settings_from(tmp_path, **PRODUCTION)
    assert settings["DEBUG"] is False
    assert settings["SITE_URL"] == "https://example.com"
    assert settings["SECURE_SSL_REDIRECT"] is True
    assert settings["SESSION_COOKIE_SECURE"] is True
    assert settings["ACCOUNT_EMAIL_VERIFICATION"] == "mandatory"
    assert settings["PAYMENT_GATEWAYS"] == []
    assert settings["STAFF_TWO_STEP"] is True


def test_settings_in_development_need_nothing(tmp_path):
    settings = settings_from(tmp_path, DEBUG="1", PORT="8123")
    assert settings["SITE_URL"] == "http://localhost:8123"
    assert settings["SECURE_SSL_REDIRECT"] is False
    assert settings["PAYMENT_GATEWAYS"] == ["mock"]
    assert settings["STAFF_TWO_STEP"] is False
    assert settings["PLATFORM_FEE_BASIS_POINTS"] == 500
    assert settings["PLATFORM_FEE_MINIMUM"] == {"USD": 100, "EUR": 100, "GBP": 100}
    assert settings["DATABASES"]["default"]["NAME"] == str(tmp_path / "db.sqlite3")


def test_settings_read_the_env_file_and_the_environment_wins(tmp_path):
    (tmp_path / "env").write_text("DEBUG=1\nSITE_NAME=From the file\nHOLD_MINUTES=20\n")
    settings = settings_from(tmp_path, ENV_FILE=str(tmp_path / "env"), HOLD_MINUTES="30")
    assert settings["SITE_NAME"] == "From the file"
    assert settings["HOLD_MINUTES"] == 30


def test_settings_take_an_empty_variable_for_none(tmp_path):
    settings = settings_from(tmp_path, DEBUG="1", SITE_URL="", REDIS_URL="", EMAIL_URL="", HOLD_MINUTES="")
    assert settings["SITE_URL"] == "http://localhost:8000"
    assert settings["HOLD_MINUTES"] == 15
    assert settings["CELERY_BROKER_URL"].startswith("filesystem://")


CAPS = {
    "MAX_OPEN_HOLDS": 3,
    "MAX_OPEN_REQUESTS": 3,
    "MAX_FREE_SESSIONS_WITH_ONE_MENTOR": 5,
    "MAX_FREE_SESSIONS": 10,
    "NEW_ACCOUNT_DAYS": 7,
    "MAX_MESSAGES_A_DAY": 30,
}


def test_settings_cap_what_one_person_keeps_and_causes_and_each_cap_can_be_moved(tmp_path):
    settings = settings_from(tmp_path, DEBUG="1")
    assert {name: settings[name] for name in CAPS} == CAPS
    settings = settings_from(tmp_path, DEBUG="1", **dict.fromkeys(CAPS, "21"))
    assert {name: settings[name] for name in CAPS} == dict.fromkeys(CAPS, 21)


def test_settings_keep_the_cache_out_of_the_queues_database(tmp_path):
    settings = settings_from(tmp_path, DEBUG="1", REDIS_URL="redis://localhost:6379/3")
    assert settings["CELERY_BROKER_URL"] == "redis://localhost:6379/3"
    assert settings["CACHES"]["default"]["LOCATION"] == "redis://localhost:6379/4"


def test_settings_use_a_pool_on_postgresql(tmp_path):
    settings = settings_from(
        tmp_path, DEBUG="1", DATABASE_URL="postgres://me:secret@db:5433/hours?sslmode=require"
    )
    database = settings["DATABASES"]["default"]
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db", 5433, "hours")
    assert database["OPTIONS"]["sslmode"] == "require"
    assert database["OPTIONS"]["pool"]["max_size"] == 8


def test_settings_take_mail_from_a_url_or_from_anymail(tmp_path):
    smtp = settings_from(tmp_path, DEBUG="1", EMAIL_URL="smtp+tls://me:secret@smtp.example.com:587")
    assert smtp["EMAIL_HOST"] == "smtp.example.com"
    anymail = settings_from(
        tmp_path,
        DEBUG="1",
        EMAIL_BACKEND="anymail.backends.postmark.EmailBackend",
        ANYMAIL_POSTMARK_SERVER_TOKEN="token",
    )
    assert anymail["EMAIL_BACKEND"] == "anymail.backends.postmark.EmailBackend"
    assert anymail["ANYMAIL"] == {"POSTMARK_SERVER_TOKEN": "token"}


def test_settings_let_checkout_origins_into_the_policy(tmp_path):
    settings = settings_from(tmp_path, DEBUG="1", CHECKOUT_ORIGINS="https://checkout.example.com/")
    policy = settings["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert policy["form-action"] == ["'self'", "https://checkout.example.com"]
    assert policy["script-src"] == ["'self'", "https://checkout.example.com"]
    assert policy["default-src"] == ["'self'"]


def test_settings_trust_a_proxys_word_only_when_told_to(tmp_path):
    assert settings_from(tmp_path, **PRODUCTION)["SECURE_PROXY_SSL_HEADER"] is None
    assert settings_from(tmp_path, **PRODUCTION, TRUSTED_PROXIES="1")["SECURE_PROXY_SSL_HEADER"]


def test_settings_allow_the_mock_gateway_in_production_when_it_is_named(tmp_path):
    assert settings_from(tmp_path, **PRODUCTION, PAYMENT_GATEWAYS="mock")["PAYMENT_GATEWAYS"] == ["mock"]


def test_settings_take_several_token_keys_while_one_replaces_another(tmp_path):
    assert settings_from(tmp_path, DEBUG="1")["TOKEN_KEYS"] == []
    keys = ["n" * 32, "o" * 44]
    assert settings_from(tmp_path, DEBUG="1", TOKEN_KEYS=", ".join(keys))["TOKEN_KEYS"] == keys


def test_settings_lift_staffs_second_step_only_when_told_to(tmp_path):
    assert settings_from(tmp_path, **PRODUCTION, STAFF_TWO_STEP="0")["STAFF_TWO_STEP"] is False
    assert settings_from(tmp_path, DEBUG="1", STAFF_TWO_STEP="1")["STAFF_TWO_STEP"] is True


RAZORPAY = {
    "PAYMENT_GATEWAYS": "razorpay",
    "RAZORPAY_KEY_ID": "rzp_live_0000000000",
    "RAZORPAY_KEY_SECRET": "canary-of-a-secret",
    "RAZORPAY_WEBHOOK_SECRET": "new, old",
}
RAZORPAY_IN_TEST = {**RAZORPAY, "RAZORPAY_KEY_ID": "rzp_test_0000000000"}
ELSEWHERE = {
    "RAZORPAY_API_BASE": "http://127.0.0.1:9",
    "RAZORPAY_CHECKOUT_JS": "http://127.0.0.1:9/v1/checkout.js",
}


def test_settings_speak_with_razorpay_itself_unless_told_otherwise(tmp_path):
    settings = settings_from(tmp_path, **PRODUCTION, **RAZORPAY)
    assert settings["RAZORPAY_API_BASE"] == "https://api.razorpay.com"
    assert settings["RAZORPAY_CHECKOUT_JS"] == "https://checkout.razorpay.com/v1/checkout.js"
    assert settings["RAZORPAY_WEBHOOK_SECRETS"] == ["new", "old"]
    settings = settings_from(tmp_path, DEBUG="1", **RAZORPAY_IN_TEST, **ELSEWHERE)
    assert settings["RAZORPAY_API_BASE"] == "http://127.0.0.1:9"


@pytest.mark.parametrize("name", ["RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET", "RAZORPAY_WEBHOOK_SECRET"])
def test_settings_need_razorpays_keys_only_for_razorpay(tmp_path, name):
    words = refusal(tmp_path, DEBUG="1", **{**RAZORPAY, name: ""})
    assert words == f"{name} is required when PAYMENT_GATEWAYS names razorpay."
    settings_from(tmp_path, DEBUG="1", **{**RAZORPAY, name: "", "PAYMENT_GATEWAYS": "mock"})


@pytest.mark.parametrize("name", ELSEWHERE)
def test_settings_let_a_live_key_only_speak_with_razorpay(tmp_path, name):
    words = refusal(tmp_path, **PRODUCTION, **RAZORPAY, **{name: ELSEWHERE[name]})
    assert f"{name} is http://127.0.0.1:9" in words
    assert "canary" not in words


STRIPE = {
    "PAYMENT_GATEWAYS": "stripe",
    "STRIPE_SECRET_KEY": "sk_live_canary",
    "STRIPE_WEBHOOK_SECRET": "whsec_new, whsec_old",
}
STRIPE_IN_TEST = {**STRIPE, "STRIPE_SECRET_KEY": "sk_test_canary"}


def test_settings_speak_with_stripe_itself_unless_told_otherwise(tmp_path):
    settings = settings_from(tmp_path, **PRODUCTION, **STRIPE)
    assert settings["STRIPE_API_BASE"] == "https://api.stripe.com"
    assert settings["STRIPE_WEBHOOK_SECRETS"] == ["whsec_new", "whsec_old"]
    settings = settings_from(tmp_path, DEBUG="1", **STRIPE_IN_TEST, STRIPE_API_BASE="http://127.0.0.1:9/")
    assert settings["STRIPE_API_BASE"] == "http://127.0.0.1:9"


def test_settings_let_a_form_lead_to_stripes_pages_only_when_stripe_is_offered(tmp_path):
    pages = ["https://checkout.stripe.com", "https://hooks.stripe.com"]
    policy = settings_from(tmp_path, **PRODUCTION, **STRIPE)["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert policy["form-action"] == ["'self'", *pages]
    assert policy["script-src"] == ["'self'"]
    policy = settings_from(tmp_path, **PRODUCTION)["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert policy["form-action"] == ["'self'"]


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"])
def test_settings_need_stripes_keys_only_for_stripe(tmp_path, name):
    words = refusal(tmp_path, DEBUG="1", **{**STRIPE, name: ""})
    assert words == f"{name} is required when PAYMENT_GATEWAYS names stripe."
    settings_from(tmp_path, DEBUG="1", **{**STRIPE, name: "", "PAYMENT_GATEWAYS": "mock"})


@pytest.mark.parametrize("key", ["sk_live_canary", "rk_live_canary"])
@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:9", "https://api.stripe.com.example", "http://api.stripe.com"]
)
def test_settings_let_a_live_key_only_speak_with_stripe(tmp_path, key, base):
    variables = {**PRODUCTION, **STRIPE, "STRIPE_SECRET_KEY": key, "STRIPE_API_BASE": base}
    for environment in (variables, {**variables, "PAYMENT_GATEWAYS": "mock"}):
        words = refusal(tmp_path, **environment)
        assert f"STRIPE_API_BASE is {base}" in words
        assert "canary" not in words


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "SECRET_KEY is required when DEBUG is off"),
        ({"SECRET_KEY": "k"}, "ALLOWED_HOSTS is required when DEBUG is off"),
        (
            {**PRODUCTION, "ALLOWED_HOSTS": "*"},
            "ALLOWED_HOSTS has '*'; when DEBUG is off name the site's own",
        ),
        ({**PRODUCTION, "ALLOWED_HOSTS": "example.com, *"}, "ALLOWED_HOSTS has '*'; when DEBUG is off"),
        ({**PRODUCTION, "ALLOWED_HOSTS": ".example.com"}, "SITE_URL is required when DEBUG is off"),
        ({**PRODUCTION, "SITE_URL": "http://example.com"}, "must start with https://"),
        (
            {"DEBUG": "1", "TOKEN_KEYS": "k" * 32 + ",canary"},
            "TOKEN_KEYS has a key of fewer than 32 characters",
        ),
        ({"DEBUG": "1", "STAFF_TWO_STEP": "maybe"}, "STAFF_TWO_STEP is 'maybe'; set it to 1 or 0"),
        ({"DEBUG": "maybe"}, "DEBUG is 'maybe'; set it to 1 or 0"),
        ({"DEBUG": "1", "SITE_URL": "example.com"}, "SITE_URL has 'example.com'"),
        ({"DEBUG": "1", "CHECKOUT_ORIGINS": "https://a.example/pay"}, "CHECKOUT_ORIGINS has"),
        ({"DEBUG": "1", "DEFAULT_TIME_ZONE": "Mars/Base"}, "DEFAULT_TIME_ZONE is 'Mars/Base'"),
        ({"DEBUG": "1", "PAYMENT_GATEWAYS": "mock,barter"}, "PAYMENT_GATEWAYS names 'barter'"),
        ({"DEBUG": "1", "PLATFORM_FEE_PERCENT": "5.125"}, "PLATFORM_FEE_PERCENT is '5.125'"),
        ({"DEBUG": "1", "PLATFORM_FEE_PERCENT": "-1"}, "PLATFORM_FEE_PERCENT is '-1'"),
        ({"DEBUG": "1", "PLATFORM_FEE_MINIMUM": "USD=1.005"}, "PLATFORM_FEE_MINIMUM has 'USD=1.005'"),
        ({"DEBUG": "1", "PLATFORM_FEE_MINIMUM": "XQZ=1"}, "PLATFORM_FEE_MINIMUM has 'XQZ=1'"),
        ({"DEBUG": "1", "HOLD_MINUTES": "0"}, "HOLD_MINUTES is '0'"),
        ({"DEBUG": "1", "MAX_FREE_SESSIONS": "0"}, "MAX_FREE_SESSIONS is '0'"),
        ({"DEBUG": "1", "NEW_ACCOUNT_DAYS": "a week"}, "NEW_ACCOUNT_DAYS is 'a week'"),
        ({"DEBUG": "1", "PORT": "eighty"}, "PORT is 'eighty'"),
        ({"DEBUG": "1", "WEB_THREADS": "1"}, "WEB_THREADS is '1'"),
        ({"DEBUG": "1", "TRUSTED_PROXIES": "many"}, "TRUSTED_PROXIES is 'many'"),
        ({"DEBUG": "1", "DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL must start with postgres://"),
        ({"DEBUG": "1", "REDIS_URL": "localhost:6379"}, "REDIS_URL must look like redis://"),
        ({"DEBUG": "1", "EMAIL_URL": "pigeon://coop"}, "EMAIL_URL must look like smtp"),
        ({"DEBUG": "1", "DATA_DIR": "/dev/null/var"}, "DATA_DIR: Not a directory"),
        ({"DEBUG": "1", "STRIPE_SECRET_KEY": "pk_test_canary"}, "STRIPE_SECRET_KEY must start with sk_test_"),
        ({"DEBUG": "1", "RAZORPAY_KEY_ID": "canary"}, "RAZORPAY_KEY_ID must start with rzp_test_"),
        ({"DEBUG": "1", "RAZORPAY_CHECKOUT_JS": "checkout.js"}, "RAZORPAY_CHECKOUT_JS is 'checkout.js'"),
    ],
)
def test_settings_refuse_what_is_missing_or_odd_by_name(tmp_path, variables, words):
    refused = refusal(tmp_path, **variables)
    assert words in refused
    assert "canary" not in refused


def test_commands_say_what_is_wrong_in_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=BASE_DIR,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "ENV_FILE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Configuration error: SECRET_KEY is required")
    assert done.stderr.count("\n") == 1
