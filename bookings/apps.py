from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class BookingsConfig(AppConfig):
    name = "bookings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bookings import panels, receivers, triggers  # noqa: F401

        post_migrate.connect(triggers.install, sender=self)
        register(triggers.check_triggers, Tags.database)
        panels.register()
