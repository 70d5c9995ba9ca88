from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import closing, export
        from bookings import ports as booking_ports
        from mentors import ports as mentor_ports
        from payments import (  # noqa: F401
            being_checked,
            earnings_panels,
            gateways,
            panels,
            personal,
            receivers,
        )
        from payments.services import refunds

        mentor_ports.register(takes=gateways.takes)
        booking_ports.register(left_of=refunds.refundable, being_checked=being_checked.being_checked)
        panels.register()
        earnings_panels.register()
        closing.register(personal.closing_means)
        export.register(personal.collect)
