from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class SiteConfig(AppConfig):
    name = "config"
    verbose_name = "Site"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from config import celery, checks, sweeps  # noqa: F401
        from config.groups import make_groups
        from lib.form_words import use_our_words

        use_our_words()

        # The last of the apps whose permissions the groups hold.
        post_migrate.connect(make_groups, sender=apps.get_app_config("auth"), dispatch_uid="config.groups")
