"""Where providers tell us what happened. https://docs.stripe.com/webhooks, https://razorpay.com/docs/webhooks/"""

import logging

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments import services, tasks
from payments.gateways import gateway
from payments.gateways.base import GatewayMisconfigured, InvalidSignature

logger = logging.getLogger(__name__)

# Far more than any event has.
MOST_BYTES = 512 * 1024
# Razorpay waits 5 seconds, and Stripe keeps the payer waiting for our answer.
SECONDS = 2.5


@csrf_exempt
@never_cache
@require_POST
def webhook_stripe(request: HttpRequest) -> HttpResponse:
    return _receive(request, "stripe")


@csrf_exempt
@never_cache
@require_POST
def webhook_razorpay(request: HttpRequest) -> HttpResponse:
    return _receive(request, "razorpay")


def _receive(request: HttpRequest, name: str) -> HttpResponse:
    """Signature first; stored means taken. What can't be done within seconds is the worker's."""
    body, now = request.body, timezone.now()
    if len(body) > MOST_BYTES:
        return HttpResponse(status=413)
    try:
        event = gateway(name).parse_webhook(body, request.headers)
    except (InvalidSignature, GatewayMisconfigured) as error:
        logger.warning("webhook refused", extra={"gateway": name, "reason": str(error)})
        return HttpResponse(status=400)
    stored = services.store_event(name, event, now=now)
    if stored and not services.process_event(stored.pk, now=now, within=SECONDS):
        tasks.wake(tasks.take_up_event, stored.pk)
    return HttpResponse(status=200)
