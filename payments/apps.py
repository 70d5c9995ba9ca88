from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import closing, export
        from bookings import refundable
        from mentors import payable
        from payments import gateways, panels, personal, receivers  # noqa: F401
        from payments.services import refunds

        payable.register(gateways.takes)
        refundable.register(refunds.refundable)
        panels.register()
        closing.register(personal.closing_means)
        export.register(personal.collect)
