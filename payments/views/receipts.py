from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.requests import current_user
from bookings.sessions import SessionView
from payments.models import Payment
from payments.reports.receipts import make_receipt, payments_with_receipt


@never_cache
@login_required
@require_safe
def session_receipt(request: HttpRequest, reference: str) -> HttpResponse:
    # A third of a second of CPU at every start of every process, for what few of them ever draw.
    from payments.reports.receipt_pdf import draw

    receipt = make_receipt(_paid(request, reference))
    response = HttpResponse(draw(receipt), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{receipt.number.lower()}.pdf"'
    return response


@never_cache
@login_required
@require_safe
def session_receipt_page(request: HttpRequest, reference: str) -> HttpResponse:
    payment = _paid(request, reference)
    booking = payment.booking
    context = {
        "booking": booking,
        "session": SessionView(booking, request, timezone.now()),
        "receipt": make_receipt(payment),
    }
    return render(request, "payments/receipt.html", context)


def _paid(request: HttpRequest, reference: str) -> Payment:
    """Whoever paid gets the receipt, and staff; until the money is in there is none."""
    return get_object_or_404(payments_with_receipt(current_user(request)), booking__reference=reference)
