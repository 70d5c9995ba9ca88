from django.apps import AppConfig


class MentorsConfig(AppConfig):
    name = "mentors"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import closing, export
        from mentors import personal, receivers  # noqa: F401

        closing.register(personal.closing_means)
        export.register(personal.collect)
