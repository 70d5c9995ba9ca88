from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from lib.admin_lists import BoundedListAdmin
from lib.enqueue import enqueue_on_commit
from lib.staff_pages import ReadOnlyRows
from notifications import services, tasks
from notifications.models import Message


@admin.register(Message)
class MessageAdmin(ReadOnlyRows, BoundedListAdmin):
    """To look and to send again; rows are written by the events alone."""

    list_display = ("kind", "booking", "recipient", "status", "due_at", "attempts", "sent_at", "error")
    list_filter = ("status", "kind", "channel")
    list_select_related = ("booking", "recipient")
    search_fields = ("=booking__reference", "recipient__email", "recipient__name")
    search_help_text = "A session's reference, or a recipient's name or address"
    ordering = ("-pk",)
    actions = ("send_again",)

    @admin.action(description="Send again", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        queued = 0
        for message in queryset.select_related("recipient"):
            try:
                services.resend(message.pk, now=timezone.now())
            except services.NotResendable as refusal:
                self.message_user(
                    request, f"{message.get_kind_display()} to {message.recipient}: {refusal}", messages.ERROR
                )
                continue
            enqueue_on_commit(tasks.deliver, message.pk)
            queued += 1
        if queued:
            noun = "message" if queued == 1 else "messages"
            self.message_user(request, f"{queued} {noun} will be sent again.", messages.SUCCESS)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notifications.change_message")
