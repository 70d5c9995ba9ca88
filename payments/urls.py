from django.urls import path

from payments import views

urlpatterns = [
    path("sessions/<str:reference>/payment/", views.payment, name="payment"),
    path("sessions/<str:reference>/payment/failed/", views.payment_failed, name="payment_failed"),
    path("sessions/<str:reference>/payment/mock/", views.payment_mock, name="payment_mock"),
    path("sessions/<str:reference>/payment/razorpay/", views.payment_razorpay, name="payment_razorpay"),
    path(
        "sessions/<str:reference>/payment/razorpay/return/",
        views.payment_razorpay_return,
        name="payment_razorpay_return",
    ),
]
