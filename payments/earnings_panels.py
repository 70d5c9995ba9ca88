"""What payments show on a mentor's own first page: what was earned, at a glance."""

from collections.abc import Mapping, Sequence

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from mentors.models import Mentor
from mentors.panels import mentors as panels
from payments.reports.earnings import totals_of


def register() -> None:
    panels.register(EarningsPanels, dashboard_figures=EarningsPanels.figures)


class EarningsPanels:
    """Made once for a page, with the mentor whose it is."""

    def __init__(self, request: HttpRequest, mentors: Sequence[Mentor]) -> None:
        self.mentors, self.now = mentors, timezone.now()

    def figures(self) -> Mapping[int, SafeString]:
        """What waits, what is ready and what was paid out, in every currency; one query."""
        return {
            mentor.pk: SafeString(
                render_to_string(
                    "payments/_dashboard_earnings.html", {"currencies": totals_of(mentor.user, self.now)}
                )
            )
            for mentor in self.mentors
        }
