import logging
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

logger = logging.getLogger(__name__)


class FileAndConsoleBackend(BaseEmailBackend):
    """Every mail as an `.eml` file that any mail program opens, and one line on the console."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        sent = 0
        for message in email_messages:
            try:
                path = _write(message)
            except OSError:
                if not self.fail_silently:
                    raise
                continue
            sent += 1
            logger.info(
                "mail",
                extra={"to": ", ".join(message.recipients()), "subject": message.subject, "file": str(path)},
            )
        return sent


def _write(message: EmailMessage) -> Path:
    """Under its final name only when complete, so that no reader sees half a mail."""
    folder = Path(settings.EMAIL_FILE_PATH)
    folder.mkdir(parents=True, exist_ok=True)
    recipient = re.sub(r"[^A-Za-z0-9@._+-]", "_", (message.recipients() or ["nobody"])[0])[:100]
    name = f"{timezone.now():%Y%m%dT%H%M%S.%fZ}-{recipient}-{secrets.token_hex(2)}.eml"
    unfinished = folder / f".{name}"
    unfinished.write_bytes(message.message().as_bytes(linesep="\r\n"))  # type: ignore[call-arg]
    os.replace(unfinished, folder / name)  # noqa: PTH105
    return folder / name
