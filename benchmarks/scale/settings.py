"""The site's own settings, served without hashed files, so that nothing has to be collected first."""

from config.settings import *  # noqa: F403
from config.settings import STORAGES

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
# Whoever is signed in here has just said who they are, however long measuring takes.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 24 * 60 * 60
