"""Mail servers at their worst, and workers that die: what stands at the provider's end in tests."""

import time
from smtplib import SMTPServerDisconnected

from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.locmem import EmailBackend as InMemory


class Refusing(BaseEmailBackend):
    def send_messages(self, email_messages):
        raise SMTPServerDisconnected("Connection unexpectedly closed")


class KilledBefore(BaseEmailBackend):
    """The worker dies before the mail leaves."""

    def send_messages(self, email_messages):
        raise SystemExit


class KilledAfter(InMemory):
    """The worker dies when the mail has left and nothing is recorded yet."""

    def send_messages(self, email_messages):
        super().send_messages(email_messages)
        raise SystemExit


class Hanging(BaseEmailBackend):
    """Never answers; whoever sends is killed meanwhile."""

    def send_messages(self, email_messages):
        time.sleep(600)
