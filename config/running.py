"""What `manage.py up` becomes when everything is prepared: it starts the site's processes and watches over them.

A program of its own, since it stays for as long as the site runs: without settings and apps it takes a tenth of their
memory. What it has to know, `config.processes.plan`, comes as JSON on its input.
"""

import http.client
import json
import sys
from typing import Any

from config.processes import Process
from config.supervisor import supervise


def main(plan: dict[str, Any]) -> None:
    def welcome() -> bool:
        if not answers(plan["host"], plan["port"], plan["name"]):
            return False
        sys.stdout.write(plan["welcome"])
        sys.stdout.flush()
        return True

    ended = supervise([Process(**each) for each in plan["processes"]], on_ready=welcome)
    if ended:
        sys.exit(f"{ended}, so everything was stopped.")


def answers(host: str, port: int, name: str) -> bool:
    web = http.client.HTTPConnection(host, port, timeout=2)
    try:
        web.request("GET", "/healthz?live", headers={"Host": name})
        return web.getresponse().status == 200
    except OSError:
        return False
    finally:
        web.close()


if __name__ == "__main__":
    main(json.load(sys.stdin))
