from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import export
        from bookings.panels import sessions
        from notifications import personal, receivers  # noqa: F401
        from notifications.panels import SessionMessages

        sessions.register(SessionMessages, session_messages=SessionMessages.render)
        export.register(personal.collect)
