"""The suite's settings: the project's own, in an environment that no developer's .env reaches.

DATABASE_URL is the one variable that is heard; with it the suite runs on PostgreSQL.
"""

import atexit
import os
import shutil
import tempfile

DATA_DIR = tempfile.mkdtemp(prefix="office-hours-tests-")
atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)

HEARD = (
    *(
        "ALLOWED_HOSTS",
        "CHECKOUT_ORIGINS",
        "DEFAULT_FROM_EMAIL",
        "DEFAULT_TIME_ZONE",
        "EMAIL_BACKEND",
        "EMAIL_URL",
    ),
    *(
        "HOLD_MINUTES",
        "PAYMENT_GATEWAYS",
        "PLATFORM_FEE_MINIMUM",
        "PLATFORM_FEE_PERCENT",
        "PORT",
        "REDIS_URL",
    ),
    *(
        "SECRET_KEY",
        "SENTRY_DSN",
        "SITE_NAME",
        "SITE_URL",
        "STAFF_TWO_STEP",
        "SUPPORT_EMAIL",
        "TAX_LINE",
        "TOKEN_KEYS",
        "TRUSTED_PROXIES",
    ),
    *("WEB_HOST", "WEB_WORKERS", "WEB_THREADS"),
)
for name in list(os.environ):
    if name in HEARD or name.startswith(("MAX_", "NEW_", "RAZORPAY_", "STRIPE_")):
        del os.environ[name]
os.environ.update(DEBUG="1", ENV_FILE="", DATA_DIR=DATA_DIR)

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASE  # noqa: E402

# A message goes nowhere: tests call a task as the function that it is.
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}

EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    # A file, so that threads and processes meet on the same rules as in production, and not on a shared memory.
    DATABASE["TEST"] = {"NAME": f"{DATA_DIR}/test.sqlite3"}
    DATABASE["OPTIONS"]["init_command"] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF"
else:
    # Tests open and close connections from many threads; a pool would keep them beyond the test database's end.
    DATABASE["OPTIONS"].pop("pool")
