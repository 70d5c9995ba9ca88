"""A process inside a running site: it calls the functions that tests name, with the site's settings and on its data.

One process for all the calls of a test, since each start of Django takes more than a second of CPU.
"""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

BASE_DIR = Path(__file__).resolve().parent.parent


class Inside:
    """The test's end of it. The process starts with the first call."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.process: subprocess.Popen[str] | None = None

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What the function of that name returns there. Arguments and answer travel as JSON."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.inside"],
                cwd=BASE_DIR,
                env={"DJANGO_SETTINGS_MODULE": "config.settings", **self.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        assert self.process.stdin
        assert self.process.stdout
        request = (function.__module__, function.__qualname__, arguments, named)
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def close(self) -> None:
        if self.process is not None:
            self.process.communicate()
            self.process = None


def manage(*arguments: str) -> str:
    """The output of a management command."""
    from django.core.management import call_command  # once the settings are known

    output = StringIO()
    call_command(*arguments, stdout=output, stderr=output)
    return output.getvalue()


def main() -> None:
    """Until the end of the input: a call a line, an answer a line."""
    import django

    django.setup()
    from django.db import connections

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    for line in sys.stdin:
        module, name, arguments, named = json.loads(line)
        try:
            with redirect_stdout(sys.stderr):
                answer = {"value": getattr(import_module(module), name)(*arguments, **named)}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        connections.close_all()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
