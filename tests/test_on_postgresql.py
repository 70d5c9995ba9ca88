import os
import subprocess
import sys

import pytest

from tests.servers import BASE_DIR, start_postgresql


@pytest.mark.sqlite
def test_the_suite_passes_on_postgresql():
    with start_postgresql() as url:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-m",
                "not browser and not processes",
                "-p",
                "no:cacheprovider",
            ],
            cwd=BASE_DIR,
            env={**os.environ, "DATABASE_URL": url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout
