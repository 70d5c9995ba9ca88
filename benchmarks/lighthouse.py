"""`python -m benchmarks.lighthouse`: what Lighthouse says of five pages on a phone, each the median of three runs.

Needs Node 18 or later, Lighthouse (`npm install -g lighthouse`, or LIGHTHOUSE=/path/to/it), Chromium, and what
`requirements-dev.txt` installs. No part of the tests: its figures depend on the machine. Exits with 1 below 95.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from statistics import median

from benchmarks.demo_site import demo_site
from tests.servers import chromium_path

CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LEAST, RUNS = 95, 3
PAGES = {
    "home": ("/", ""),
    "browse": ("/mentors/", ""),
    "profile": ("/mentors/{mentor_slug}/", ""),
    "time step": ("/mentors/{mentor_slug}/book/?type={free_type}&date={date}", ""),
    "My Sessions": ("/my-sessions/", "student"),
}


def main() -> int:
    program = os.environ.get("LIGHTHOUSE") or shutil.which("lighthouse")
    if not program or not shutil.which("node"):
        print(
            "Lighthouse is needed: install Node 18 or later, then `npm install -g lighthouse`.",
            file=sys.stderr,
        )
        return 2
    missed = 0
    print(f"{'':14}" + "".join(f"{each:>16}" for each in CATEGORIES))
    with demo_site() as (site, facts, sessions):
        for name, (path, who) in PAGES.items():
            scores: dict[str, list[float]] = defaultdict(list)
            for _ in range(RUNS):
                for category, score in _look(
                    program, site.url + path.format(**facts), sessions.get(who)
                ).items():
                    scores[category].append(score)
            found = [round(median(scores[each])) for each in CATEGORIES]
            missed += sum(each < LEAST for each in found)
            print(f"{name:14}" + "".join(f"{each:>16}" for each in found), flush=True)
    return 1 if missed else 0


def _look(program: str, url: str, session: str | None) -> dict[str, float]:
    """Scores out of 100, on a phone with Lighthouse's own throttling."""
    sandbox = " --no-sandbox" if os.geteuid() == 0 else ""
    command = [
        *(program, url, "--quiet", "--output=json", f"--only-categories={','.join(CATEGORIES)}"),
        f"--chrome-flags=--headless=new{sandbox}",
    ]
    if session:
        command.append(f"--extra-headers={json.dumps({'Cookie': f'sessionid={session}'})}")
    environment = {**os.environ, "CHROME_PATH": shutil.which(chromium_path()) or chromium_path()}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"Lighthouse could not look at {url}:\n{done.stderr[-2000:]}")
    report = json.loads(done.stdout)
    for name, audit in report["audits"].items():
        if os.environ.get("VERBOSE") and audit["score"] is not None and audit["score"] < 0.9:
            print(f"  {name}: {audit['title']}", file=sys.stderr)
    return {name: 100 * (each["score"] or 0) for name, each in report["categories"].items()}


if __name__ == "__main__":
    sys.exit(main())
