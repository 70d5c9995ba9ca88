"""The site's own settings, in the processes of the storm, with two addresses more."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.concurrency.storm_site"
# Nobody hears the wake-ups: what must be done is found in the database.
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
