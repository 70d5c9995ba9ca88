from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class BookingsConfig(AppConfig):
    name = "bookings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import closing, export
        from bookings import personal, receivers, triggers  # noqa: F401
        from bookings.panels import availability as availability_panels
        from bookings.panels import mentors as mentor_panels
        from mentors import panels

        post_migrate.connect(triggers.install, sender=self)
        register(triggers.check_triggers, Tags.database)
        panels.mentor_times.register(mentor_panels.render_times)
        panels.mentor_reviews.register(mentor_panels.render_reviews)
        panels.mentor_policy.register(mentor_panels.render_policy)
        panels.policy_choices.register(mentor_panels.render_policy_choices)
        panels.dashboard_next.register(mentor_panels.render_next)
        panels.availability_preview.register(availability_panels.render_preview)
        panels.sessions_outside_hours.register(availability_panels.render_outside)
        closing.register(personal.closing_means)
        export.register(personal.collect)
