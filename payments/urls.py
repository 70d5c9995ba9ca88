from django.urls import path

from lib import converters  # noqa: F401
from payments import views
from payments.views import earnings, history, payment_methods, receipts, returning, stripe, webhooks

urlpatterns = [
    path("sessions/<reference:reference>/payment/", views.payment, name="payment"),
    path("sessions/<reference:reference>/payment/failed/", views.payment_failed, name="payment_failed"),
    path("sessions/<reference:reference>/payment/mock/", views.payment_mock, name="payment_mock"),
    path("sessions/<reference:reference>/payment/return/", returning.payment_return, name="payment_return"),
    path("sessions/<reference:reference>/payment/stripe/", stripe.payment_stripe, name="payment_stripe"),
    path(
        "sessions/<reference:reference>/payment/card/", stripe.payment_saved_card, name="payment_saved_card"
    ),
    path("sessions/<reference:reference>/payment/razorpay/", views.payment_razorpay, name="payment_razorpay"),
    path(
        "sessions/<reference:reference>/payment/razorpay/return/",
        views.payment_razorpay_return,
        name="payment_razorpay_return",
    ),
    path("sessions/<reference:reference>/receipt.pdf", receipts.session_receipt, name="session_receipt"),
    path(
        "sessions/<reference:reference>/receipt/", receipts.session_receipt_page, name="session_receipt_page"
    ),
    path("payments/", history.payment_list, name="payment_list"),
    path("dashboard/earnings/", earnings.dashboard_earnings, name="dashboard_earnings"),
    path("payments/webhooks/stripe/", webhooks.webhook_stripe, name="webhook_stripe"),
    path("payments/webhooks/razorpay/", webhooks.webhook_razorpay, name="webhook_razorpay"),
    # A provider follows no redirect to the slash.
    path("payments/webhooks/stripe", webhooks.webhook_stripe, name="webhook_stripe_bare"),
    path("payments/webhooks/razorpay", webhooks.webhook_razorpay, name="webhook_razorpay_bare"),
    path("payments/methods/", payment_methods.payment_methods, name="payment_methods"),
    path("payments/methods/add/", payment_methods.payment_method_add, name="payment_method_add"),
    path(
        "payments/methods/<str:method_ref>/remove/",
        payment_methods.payment_method_remove,
        name="payment_method_remove",
    ),
]
