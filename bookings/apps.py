from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class BookingsConfig(AppConfig):
    name = "bookings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import closing, export
        from bookings import panels, personal, receivers, triggers  # noqa: F401

        post_migrate.connect(triggers.install, sender=self)
        register(triggers.check_triggers, Tags.database)
        panels.register()
        closing.register(personal.closing_means)
        export.register(personal.collect)
