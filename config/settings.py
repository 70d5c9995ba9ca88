"""All settings, read from the environment. `.env.example` lists and explains the variables."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.env import Environment, needed_by, redis_neighbour, required

# So that ModelForm[User] means at run time what it means to the type checker.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()
ENV_FILE = os.environ.get("ENV_FILE", str(BASE_DIR / ".env"))
if Path(ENV_FILE).is_file():
    Environment.read_env(ENV_FILE)

# The place

DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.text("SECRET_KEY")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS")
if DEBUG:
    SECRET_KEY = SECRET_KEY or "insecure-and-only-for-development-" + "0" * 20
    ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", ".localhost", "127.0.0.1", "[::1]"]
else:
    required("SECRET_KEY", SECRET_KEY, "Set it to 50 or more random characters.")
    required("ALLOWED_HOSTS", ALLOWED_HOSTS, "Set it to the site's host names, separated by commas.")
    if "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS has '*'; when DEBUG is off name the site's own hosts, separated by commas, "
            "as in example.com,www.example.com."
        )

PORT = env.count("PORT", 8000, minimum=1, maximum=65535)
LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
if DEBUG or ALLOWED_HOSTS[0] in LOCAL_HOSTS:
    DEFAULT_SITE_URL = f"http://localhost:{PORT}"
elif ALLOWED_HOSTS[0].startswith("."):
    DEFAULT_SITE_URL = ""
    required("SITE_URL", env.text("SITE_URL"), "Set it to the site's address, as in https://example.com.")
else:
    DEFAULT_SITE_URL = f"https://{ALLOWED_HOSTS[0]}"
SITE_URL = env.origin("SITE_URL", DEFAULT_SITE_URL)
SITE_NAME = env.text("SITE_NAME", "Office Hours")
SITE_HOST = urlsplit(SITE_URL).hostname or "localhost"
HTTPS = SITE_URL.startswith("https://")
if not DEBUG and not HTTPS and SITE_HOST not in {host.strip("[]") for host in LOCAL_HOSTS}:
    raise ImproperlyConfigured(f"SITE_URL is {SITE_URL}; when DEBUG is off it must start with https://.")

WEB_HOST = env.text("WEB_HOST", "127.0.0.1")
WEB_WORKERS = env.count("WEB_WORKERS", 0, minimum=0, maximum=256)  # 0: one a core
WEB_THREADS = env.count("WEB_THREADS", 8, minimum=2, maximum=64)  # in each worker
# So many of them may wait for payment providers; the others are everybody else's.
PROVIDER_CALLS = WEB_THREADS * 3 // 4
# From where a request first asks one, for all that it asks: our own work comes on top, and eight are a clear answer.
PROVIDER_SECONDS = 6.0
# Where nobody waits: seconds to connect and to be answered, for a call and each of so many further tries of Stripe's
# SDK, which by itself would wait 80 and try once.
PROVIDER_TIMEOUT = (5.0, 20.0)
PROVIDER_RETRIES = 2

DATA_DIR = BASE_DIR / env.text("DATA_DIR", "var")
QUEUE_DIR = DATA_DIR / "queue"
EMAIL_FILE_PATH = DATA_DIR / "mail"
STATIC_ROOT = DATA_DIR / "static"
JOINED_ROOT = DATA_DIR / "joined"
MEDIA_ROOT = DATA_DIR / "media"
try:
    for folder in (QUEUE_DIR / "messages", QUEUE_DIR / "tmp", EMAIL_FILE_PATH, STATIC_ROOT, MEDIA_ROOT):
        folder.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"DATA_DIR: {error.strerror}: {error.filename}") from None

# Applications

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "config",
    "notifications",
    "payments",
    "bookings",
    "mentors",
    "accounts",
    "lib",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "anymail",
    "csp",
    "heroicons",
    "template_partials",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "lib.guard.InputGuard",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.CompressionMiddleware",
    "config.logging.RequestMiddleware",
    "config.middleware.HeadersMiddleware",
    "payments.middleware.ProviderDeadlineMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.middleware.ClockMiddleware",
    "accounts.middleware.PostLimitMiddleware",
    "accounts.middleware.InvalidFormMiddleware",
    "config.error_pages.ErrorPagesMiddleware",
]
# With DEBUG a page that broke says how, in the site's look: Django's own has styles that the policy below refuses.
DEFAULT_EXCEPTION_REPORTER = "config.error_pages.Reporter"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.site",
            ],
        },
    }
]
# Forms render with the project's own templates/django/forms/, and widgets without any.
FORM_RENDERER = "lib.forms.Renderer"

# Database

DATABASE = env.database("DATABASE_URL", default_file=DATA_DIR / "db.sqlite3")
DATABASES = {"default": DATABASE}
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    # Writers queue up at BEGIN instead of failing in the middle; readers never wait (WAL).
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
    }
else:
    # No thread of a web worker waits for another's connection; other processes use one or two. Compiling a query
    # (jit) takes longer than any of ours runs, and is tried for those that look at many rows.
    DATABASE["OPTIONS"] = {
        "options": "-c jit=off",
        **DATABASE.get("OPTIONS", {}),
        "pool": {"min_size": 1, "max_size": WEB_THREADS, "timeout": 10},
    }
    DATABASE["CONN_MAX_AGE"] = 0  # the pool keeps the connections

# Cache, sessions and queue

REDIS_URL = env.redis("REDIS_URL")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object]
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "config.cache.SharedRedisCache",
            "LOCATION": redis_neighbour(REDIS_URL),
            "KEY_PREFIX": "office-hours",
        }
    }
    CELERY_BROKER_URL = REDIS_URL
    # Longer than any task; unacknowledged work of a killed worker comes back after it.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 900, "unacked_restore_throttle": 1}
    # A server that keeps silent is taken for dead, so that a worker asks for a new connection.
    CELERY_BROKER_TRANSPORT_OPTIONS |= {"socket_connect_timeout": 2, "socket_timeout": 10}
else:
    CACHES = {
        "default": {
            "BACKEND": "config.cache.SharedFileCache",
            "LOCATION": str(DATA_DIR / "cache.sqlite3"),
        }
    }
    CELERY_BROKER_URL = "filesystem://localhost"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(QUEUE_DIR / "messages"),
        "data_folder_out": str(QUEUE_DIR / "messages"),
        "processed_folder": str(QUEUE_DIR / "processed"),
        "control_folder": str(QUEUE_DIR / "control"),
        "store_processed": False,
        "polling_interval": 0.05,
    }

SESSION_ENGINE = "django.contrib.sessions.backends.db"

# The queue only wakes a worker up; what must be done is written in the database.
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker however long that takes
# Mail has a queue of its own; whatever may wait for somebody else's server, or goes through many rows, the other.
CELERY_TASK_QUEUES = {queue: {"exchange": queue, "routing_key": queue} for queue in ("messages", "sweeps")}
CELERY_TASK_DEFAULT_QUEUE = "sweeps"
CELERY_TASK_ROUTES = {"notifications.tasks.*": {"queue": "messages"}}
# In memory: what must not be forgotten is in the database, and no file can be broken.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
EVERY_MINUTE = 60.0
CELERY_BEAT_SCHEDULE = {
    # Not short-lived: one that waited long says that its queue moves.
    f"heartbeat of {queue}": {
        "task": "config.tasks.heartbeat",
        "schedule": EVERY_MINUTE,
        "args": (queue,),
        "options": {"queue": queue, "expires": 900},
    }
    for queue in CELERY_TASK_QUEUES
} | {
    task: {"task": task, "schedule": schedule, "options": {"expires": expires}}
    for schedule, expires, tasks in (
        (
            EVERY_MINUTE,
            55,
            (
                "bookings.tasks.sweep",
                "bookings.tasks.refresh_openings",
                "payments.tasks.sweep",
                "notifications.tasks.deliver_due",
            ),
        ),
        (crontab(minute="*/5"), 250, ("mentors.tasks.keep_figures",)),
        # By the clock, so that many a new start does not put them off for ever.
        (
            crontab(minute="7"),
            3000,
            (
                "payments.tasks.reconcile",
                "payments.tasks.clean_up_closed_accounts",
                "payments.tasks.forget_old_events",
                "config.tasks.tidy",
            ),
        ),
        (crontab(hour="3", minute="37"), 43_200, ("payments.tasks.audit_money",)),
    )
    for task in tasks
}

# People

AUTH_USER_MODEL = "accounts.User"
# One, which knows permissions too: each that is asked hashes a wrong password once more.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"accounts.passwords.{name}"}
    for name in ("NotLikeYou", "LongEnough", "NotCommon", "NotDigitsOnly")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "landing"
LOGOUT_REDIRECT_URL = "landing"

ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "accounts.forms.SignupForm",
    "login": "accounts.forms.LoginForm",
    "request_login_code": "accounts.forms.RequestLoginCodeForm",
    "confirm_login_code": "accounts.forms.ConfirmLoginCodeForm",
    "confirm_email_verification_code": "accounts.forms.ConfirmEmailForm",
    "change_email": "accounts.forms.CorrectEmailForm",
    "add_email": "accounts.forms.ChangeEmailForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}
# Only where an address must be confirmed does signing up hide whether it is taken; with DEBUG it says so.
ACCOUNT_EMAIL_VERIFICATION = "optional" if DEBUG else "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = not DEBUG  # codes only exist for mandatory verification
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE = True
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a mail after every change to how one signs in
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 900
ACCOUNT_SESSION_REMEMBER = True
# A campus shares one address; wrong passwords have limits of their own.
ACCOUNT_RATE_LIMITS = {"login": "120/m/ip", "signup": "60/m/ip"}
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # for changes to how one signs in, five minutes long
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = LOGOUT_REDIRECT_URL
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
# The secrets of two-step sign-in are encrypted with the first; empty: with a key made of SECRET_KEY.
TOKEN_KEYS = env.keys("TOKEN_KEYS", minimum=32)
# Without it a staff person's password alone opens sessions, receipts and money.
STAFF_TWO_STEP = env.flag("STAFF_TWO_STEP", default=not DEBUG)
MFA_ADAPTER = "accounts.adapter.MFAAdapter"
MFA_FORMS = {
    "authenticate": "accounts.forms.AuthenticateForm",
    "reauthenticate": "accounts.forms.ReauthenticateByCodeForm",
    "activate_totp": "accounts.forms.ActivateTOTPForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = SITE_NAME

# Mail

FILE_EMAIL_BACKEND = "notifications.backends.FileAndConsoleBackend"
EMAIL_BACKEND = env.text("EMAIL_BACKEND", FILE_EMAIL_BACKEND)
EMAIL_TIMEOUT = 10
if env.text("EMAIL_URL"):
    globals().update(env.email("EMAIL_URL"))
ANYMAIL = {
    name.removeprefix("ANYMAIL_"): value for name, value in os.environ.items() if name.startswith("ANYMAIL_")
}
SUPPORT_EMAIL = env.text("SUPPORT_EMAIL", f"support@{SITE_HOST}")
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"{SITE_NAME} <hello@{SITE_HOST}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# Time and language

USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_TIME_ZONE = env.zone("DEFAULT_TIME_ZONE", "Asia/Kolkata")
LANGUAGE_CODE = "en"
USE_I18N = False

# Booking and money

HOLD_MINUTES = env.count("HOLD_MINUTES", 15, minimum=1, maximum=1440)
# What one person may keep at a time; half of each, rounded up, while the account is new.
MAX_OPEN_HOLDS = env.count("MAX_OPEN_HOLDS", 3, minimum=1, maximum=1000)
MAX_OPEN_REQUESTS = env.count("MAX_OPEN_REQUESTS", 3, minimum=1, maximum=1000)
MAX_FREE_SESSIONS_WITH_ONE_MENTOR = env.count("MAX_FREE_SESSIONS_WITH_ONE_MENTOR", 5, minimum=1, maximum=1000)
MAX_FREE_SESSIONS = env.count("MAX_FREE_SESSIONS", 10, minimum=1, maximum=1000)
NEW_ACCOUNT_DAYS = env.count("NEW_ACCOUNT_DAYS", 7, minimum=0, maximum=365)  # 0: none is new
# Messages to one mentor that one student can cause on one day of the mentor's; the rest wait for staff.
MAX_MESSAGES_A_DAY = env.count("MAX_MESSAGES_A_DAY", 30, minimum=1, maximum=10_000)
PLATFORM_FEE_BASIS_POINTS = env.basis_points("PLATFORM_FEE_PERCENT", "5")
# In minor units; a currency that is not named has no minimum.
PLATFORM_FEE_MINIMUM = env.money_by_currency("PLATFORM_FEE_MINIMUM", "USD=1.00,EUR=1.00,GBP=1.00")
PAYMENT_GATEWAYS = env.choices(
    "PAYMENT_GATEWAYS", known=("mock", "stripe", "razorpay"), default=["mock"] if DEBUG else []
)
# On receipts, word for word; empty for none.
TAX_LINE = env.text("TAX_LINE")
CHECKOUT_ORIGINS = env.origins("CHECKOUT_ORIGINS")
# Where a payment's form leads to by redirects: the providers' own pages, and 3-D Secure.
PAYMENT_PAGES = list(CHECKOUT_ORIGINS)

# A gateway that is not named any more keeps its keys, so that its payments can be finished and refunded.
STRIPE_SECRET_KEY = env.key("STRIPE_SECRET_KEY", "sk_test_", "sk_live_", "rk_test_", "rk_live_")
STRIPE_WEBHOOK_SECRETS = env.words("STRIPE_WEBHOOK_SECRET")
STRIPE_API_BASE = env.provider(
    "STRIPE_API_BASE", "https://api.stripe.com", is_live=STRIPE_SECRET_KEY[3:].startswith("live_")
)
if "stripe" in PAYMENT_GATEWAYS:
    needed_by("stripe", STRIPE_SECRET_KEY=STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET=STRIPE_WEBHOOK_SECRETS)
    PAYMENT_PAGES += ["https://checkout.stripe.com", "https://hooks.stripe.com"]

RAZORPAY_KEY_ID = env.key("RAZORPAY_KEY_ID", "rzp_test_", "rzp_live_")
RAZORPAY_KEY_SECRET = env.text("RAZORPAY_KEY_SECRET")
RAZORPAY_WEBHOOK_SECRETS = env.words("RAZORPAY_WEBHOOK_SECRET")
RAZORPAY_IS_LIVE = RAZORPAY_KEY_ID.startswith("rzp_live_")
RAZORPAY_API_BASE = env.provider("RAZORPAY_API_BASE", "https://api.razorpay.com", is_live=RAZORPAY_IS_LIVE)
RAZORPAY_CHECKOUT_JS = env.provider_script(
    "RAZORPAY_CHECKOUT_JS", "https://checkout.razorpay.com/v1/checkout.js", is_live=RAZORPAY_IS_LIVE
)
if "razorpay" in PAYMENT_GATEWAYS:
    needed_by(
        "razorpay",
        RAZORPAY_KEY_ID=RAZORPAY_KEY_ID,
        RAZORPAY_KEY_SECRET=RAZORPAY_KEY_SECRET,
        RAZORPAY_WEBHOOK_SECRET=RAZORPAY_WEBHOOK_SECRETS,
    )

# Files

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "config.finders.JoinedFilesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_URL = "/media/"

# Security

TRUSTED_PROXIES = env.count("TRUSTED_PROXIES", 0, minimum=0, maximum=10)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS and not DEBUG
SECURE_SSL_REDIRECT = HTTPS and not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^payments/webhooks/"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS and not DEBUG else 0
# Whether sibling subdomains speak HTTPS, and preloading, is the owner's word to give, not this site's.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# An address is unique whatever its case (user_email_is_unique), which is more than the check looks for.
SILENCED_SYSTEM_CHECKS += ["auth.W004"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, *CHECKOUT_ORIGINS],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        # Browsers apply form-action to redirects after a post too, such as the one to a checkout page.
        "form-action": [SELF, *PAYMENT_PAGES],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "object-src": [NONE],
    }
}

# Logging

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "config.logging.JsonFormatter"},
        "plain": {"()": "config.logging.PlainFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": "plain" if DEBUG else "json",
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # Django's own handler would print a second time; what it logs below ERROR is in the request's line.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django.server": {"handlers": [], "propagate": True},
        # A task's line is written by config.logging.
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        # Which child of a worker was killed; it hands nothing on by itself.
        "multiprocessing": {"handlers": ["console"], "level": "WARNING"},
        # Thirty lines a receipt.
        "fontTools": {"level": "WARNING"},
        # Its refusals are worded by the gateway.
        "stripe": {"level": "WARNING"},
    },
}

if SENTRY_DSN := env.text("SENTRY_DSN"):
    from config import reporting

    reporting.start(SENTRY_DSN)
