import os
import subprocess
import sys

import pytest

from tests.servers import BASE_DIR, start_postgresql


@pytest.mark.sqlite
def test_the_suite_passes_on_postgresql():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-m", "not browser and not processes"]
    # Two, each with a database of its own, so that a second core helps once everything else is done.
    command += ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with start_postgresql() as url:
        done = subprocess.run(
            command,
            cwd=BASE_DIR,
            env={**inherited, "DATABASE_URL": url, "HYPOTHESIS_PROFILE": "few"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        pytest.fail(f"On PostgreSQL:\n{done.stdout}", pytrace=False)
