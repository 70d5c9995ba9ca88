from payments.views.paying import payment, payment_failed, payment_mock
from payments.views.razorpay import payment_razorpay, payment_razorpay_return

__all__ = ["payment", "payment_failed", "payment_mock", "payment_razorpay", "payment_razorpay_return"]
