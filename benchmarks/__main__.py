"""`python -m benchmarks`: comparisons, each with its target; exits with 1 when one is missed.

Works on a SQLite database of its own in a temporary directory, or on the one that DATABASE_URL names, which
is migrated; its rows are rolled back.
"""

import os
import secrets
import sys
import tempfile


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="office-hours-bench-") as folder:
        os.environ.update(
            DEBUG="0",
            ENV_FILE="",
            DATA_DIR=folder,
            SECRET_KEY=secrets.token_hex(40),
            ALLOWED_HOSTS="localhost",
            SITE_URL="http://localhost",
            PAYMENT_GATEWAYS="mock",
            EMAIL_URL="memorymail://",
            DJANGO_SETTINGS_MODULE="config.settings",
        )
        import django

        django.setup()
        from django.core.management import call_command

        from benchmarks import measures, pages, timing, web, writing

        call_command("collectstatic", interactive=False, verbosity=0)
        try:
            timing.headline()
            return 0 if all([measures.run(), writing.run(), pages.run(), web.run()]) else 1
        finally:
            from django.db import connection

            connection.close()


sys.exit(main())
