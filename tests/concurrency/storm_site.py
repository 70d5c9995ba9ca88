"""The site, and what payers do in the storm besides paying: they come back, and they cancel."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from bookings.models import Booking
from bookings.services import NotAllowed, cancel
from payments import services
from payments.gateways.base import GatewayError


@csrf_exempt
def come_back(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        services.settle(pk, source="return", now=timezone.now())
    except GatewayError:
        return HttpResponse(status=202)  # "we are checking with the bank"
    return HttpResponse(status=200)


@csrf_exempt
def cancel_session(request: HttpRequest, pk: int) -> HttpResponse:
    booking = Booking.objects.select_related("student").get(pk=pk)
    try:
        cancel(pk, actor=booking.student, now=timezone.now(), reason="The storm.")
    except NotAllowed as refusal:
        return HttpResponse(str(refusal), status=409)
    return HttpResponse(status=200)


urlpatterns = [
    path("storm/return/<int:pk>/", come_back, name="storm_return"),
    path("storm/cancel/<int:pk>/", cancel_session, name="storm_cancel"),
    path("", include("config.urls")),
]
