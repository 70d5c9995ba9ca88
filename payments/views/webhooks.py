"""Where providers tell us what happened. https://docs.stripe.com/webhooks, https://razorpay.com/docs/webhooks/"""

import logging

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from lib.enqueue import enqueue_on_commit
from lib.guard import signed_by_sender
from lib.ratelimit import address_of, count
from payments import services, tasks
from payments.gateways import gateway
from payments.gateways.base import GatewayMisconfigured, InvalidSignature

logger = logging.getLogger(__name__)

# Far more than any event has.
MOST_BYTES = 512 * 1024
# Razorpay waits 5 seconds, and Stripe keeps the payer waiting for our answer.
SECONDS = 2.5
# Enough to see in the log that a secret is wrong.
FORGED_A_MINUTE = 30


@csrf_exempt
@signed_by_sender
@never_cache
@require_POST
def webhook_stripe(request: HttpRequest) -> HttpResponse:
    return _receive(request, "stripe")


@csrf_exempt
@signed_by_sender
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
        return _refused(request, name, error)
    stored = services.store_event(name, event, now=now)
    if stored and not services.process_webhook_event(stored.pk, now=now, within=SECONDS):
        enqueue_on_commit(tasks.process_webhook_event, stored.pk)
    return HttpResponse(status=200)


def _refused(request: HttpRequest, name: str, error: Exception) -> HttpResponse:
    """Only what fails is counted, so that a flood of forged ones fills no log and stops no event that is signed."""
    if wait := count(address_of(request), "forged-webhook", times=FORGED_A_MINUTE, seconds=60):
        return HttpResponse(status=429, headers={"Retry-After": str(wait)})
    logger.warning("webhook refused", extra={"gateway": name, "reason": str(error)})
    return HttpResponse(status=400)
