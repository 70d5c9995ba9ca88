from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import closing, export
        from bookings import refundable, unsettled
        from mentors import payable
        from payments import checked, gateways, panels, personal, receivers  # noqa: F401
        from payments.services import refunds

        payable.register(gateways.takes)
        refundable.register(refunds.refundable)
        unsettled.register(checked.being_checked)
        panels.register()
        closing.register(personal.closing_means)
        export.register(personal.collect)
