from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from lib.enqueue import enqueue_on_commit
from lib.money import format_money
from lib.staff_pages import NeedsAttention, StaffAdmin
from payments import services, tasks
from payments.gateways.base import GatewayError
from payments.models import OWED, UNSETTLED, Refund, RefundStatus
from payments.services import NotRefundable


class RefundAttention(NeedsAttention):
    WHAT = {
        "failed": ("Failed", Q(status=RefundStatus.FAILED)),
        "unanswered": ("No answer", Q(status__in=UNSETTLED, attempts__gt=0) & ~Q(error="")),
        "owed": ("Not with the student yet", Q(status__in=OWED)),
    }


@admin.register(Refund)
class RefundAdmin(StaffAdmin):
    list_display = ("reference", "payment", "amount", "reason", "status", "attempts", "error", "created_at")
    list_filter = (RefundAttention, "status", "reason")
    list_select_related = ("payment",)
    search_fields = ("=reference", "=payment__reference", "=payment__booking__reference", "=provider_id")
    search_help_text = "Refund, order, session, or the provider's refund ID"
    ordering = ("-pk",)
    sortable_by = ("reference",)
    actions = ("try_again",)

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, refund: Refund) -> str:
        return format_money(refund.amount_minor, refund.payment.currency, full=True)

    @admin.action(description="Try again", permissions=["change"])
    def try_again(self, request: HttpRequest, refunds: QuerySet[Refund]) -> None:
        for refund in refunds:
            before = f"{refund.get_status_display()} {refund.provider_id} {refund.error}"
            try:
                services.retry_refund(refund.pk, now=timezone.now())
            except (NotRefundable, GatewayError) as reason:
                self.report_refused(request, refund, reason)
                continue
            enqueue_on_commit(tasks.send_refund, refund.pk)
            self.report_done(
                request, refund, "is tried again", f"Tried again; before: {' '.join(before.split())}"
            )
