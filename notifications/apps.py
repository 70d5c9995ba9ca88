from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import export
        from bookings.panels import session_messages
        from notifications import panels, personal, receivers  # noqa: F401

        session_messages.register(panels.session_messages)
        export.register(personal.collect)
