"""What `manage.py up` becomes when everything is prepared: it starts the site's processes and watches over them.

A program of its own, without the apps, since it stays for as long as the site runs.
"""

import http.client
import logging.config
import sys

from django.conf import settings

from config.processes import default_web_workers, processes
from config.supervisor import supervise

DEMO_ACCOUNTS = ("student@example.com", "mentor@example.com", "approval@example.com", "staff@example.com")


def main(*, demo_is_there: bool) -> None:
    logging.config.dictConfig(settings.LOGGING)

    def welcome() -> bool:
        if not answers():
            return False
        lines = ["", f"  {settings.SITE_NAME} is up: {settings.SITE_URL}"]
        if demo_is_there:
            lines += ["  Demo accounts, password office-hours: " + ", ".join(DEMO_ACCOUNTS)]
        sys.stdout.write("\n".join([*lines, "  Ctrl-C stops it.", "", ""]))
        sys.stdout.flush()
        return True

    ended = supervise(
        processes(
            host=settings.WEB_HOST,
            port=settings.PORT,
            web_workers=settings.WEB_WORKERS or default_web_workers(),
        ),
        on_ready=welcome,
    )
    if ended:
        sys.exit(f"{ended}, so everything was stopped.")


def answers() -> bool:
    host = "127.0.0.1" if settings.WEB_HOST == "0.0.0.0" else settings.WEB_HOST  # noqa: S104
    web = http.client.HTTPConnection(host, settings.PORT, timeout=2)
    try:
        web.request("GET", "/healthz?live", headers={"Host": settings.SITE_HOST})
        return web.getresponse().status == 200
    except OSError:
        return False
    finally:
        web.close()


if __name__ == "__main__":
    main(demo_is_there="--demo-is-there" in sys.argv)
