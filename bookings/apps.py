from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class BookingsConfig(AppConfig):
    name = "bookings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import closing, export
        from bookings import openings, personal, receivers, triggers  # noqa: F401
        from bookings.engine.offered import fee_on
        from bookings.panels.availability import HoursPanels
        from bookings.panels.dashboard import DashboardPanels
        from bookings.panels.mentors import MentorPanels
        from mentors import panels, ports

        ports.register_fee(fee_on)
        post_migrate.connect(triggers.install, sender=self)
        register(triggers.check_triggers, Tags.database)
        panels.mentors.register(
            MentorPanels,
            mentor_times=MentorPanels.times,
            mentor_times_on_profile=MentorPanels.times_on_profile,
            mentor_next_open=MentorPanels.next_open,
            mentor_reviews=MentorPanels.reviews,
            mentor_policy=MentorPanels.policy,
            policy_choices=MentorPanels.policy_choices,
        )
        panels.mentors.register(
            DashboardPanels, dashboard_next=DashboardPanels.next, dashboard_figures=DashboardPanels.figures
        )
        panels.hours.register(
            HoursPanels,
            availability_preview=HoursPanels.preview,
            sessions_outside_hours=HoursPanels.sessions_outside,
        )
        ports.register_when_open(openings.open_when)
        closing.register(personal.closing_means)
        export.register(personal.collect)
