from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bookings import currencies
        from payments import gateways, panels, receivers  # noqa: F401

        currencies.register(gateways.takes)
        panels.register()
