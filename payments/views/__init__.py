from payments.views.paying import payment, payment_failed, payment_mock

__all__ = ["payment", "payment_failed", "payment_mock"]
