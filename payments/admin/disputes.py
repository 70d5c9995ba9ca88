from django.contrib import admin

from lib.money import format_money
from lib.staff_pages import StaffAdmin
from payments.models import Dispute


@admin.register(Dispute)
class DisputeAdmin(StaffAdmin):
    list_display = ("dispute_id", "payment", "status", "amount", "reason", "is_inquiry", "opened_at")
    list_filter = ("status", "is_inquiry")
    list_select_related = ("payment",)
    search_fields = (
        "=dispute_id",
        "=payment__reference",
        "=payment__booking__reference",
        "=payment__payment_id",
    )
    search_help_text = "Dispute, order, session, or the provider's payment ID"
    ordering = ("-pk",)

    @admin.display(description="amount", ordering="amount_minor")
    def amount(self, dispute: Dispute) -> str:
        return format_money(dispute.amount_minor, dispute.payment.currency, full=True)
