import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from notifications import services
from notifications.models import Message, Status
from tests.factories import NOW, UserFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/notifications/message/"


def send_again(client, message):
    chosen = {"action": "send_again", "_selected_action": [message.pk]}
    return client.post(LIST, chosen, follow=True)


def test_staff_find_a_message_by_session_or_recipient(client, staff, outbox, booking, confirmation):
    client.force_login(staff)
    for query in (booking.reference, "arjun@example.com", "Arjun"):
        found = client.get(LIST, {"q": query}).context["cl"].queryset
        assert confirmation in found
    assert not client.get(LIST, {"q": "nobody@example.com"}).context["cl"].queryset
    assert client.get(LIST, {"status__exact": "sent"}).context["cl"].result_count == 0


def test_staff_look_at_a_message_and_change_nothing(client, staff, confirmation):
    client.force_login(staff)
    page = reverse("admin:notifications_message_change", args=[confirmation.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, {"status": "sent"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403
    assert (
        client.post(reverse("admin:notifications_message_delete", args=[confirmation.pk])).status_code == 403
    )


def test_staff_send_a_message_again(
    client, staff, confirmation, working_queue, mailoutbox, django_capture_on_commit_callbacks
):
    services.deliver(confirmation.pk, now=NOW)
    client.force_login(staff)
    with django_capture_on_commit_callbacks(execute=True):
        response = send_again(client, confirmation)
    assert "1 message will be sent again." in response.content.decode()
    assert [mail.to for mail in mailoutbox] == [["arjun@example.com"]] * 2


def test_staff_are_told_why_a_message_is_not_sent_again(client, staff, confirmation):
    client.force_login(staff)
    response = send_again(client, confirmation)
    assert "It is not sent again while it is “Waiting”." in response.content.decode()
    assert Message.objects.get(pk=confirmation.pk).resends == 0


def test_staff_who_may_only_look_cannot_send(client, confirmation):
    services.deliver(confirmation.pk, now=NOW)
    looker = UserFactory(is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_message"))
    client.force_login(looker)
    assert client.get(LIST).status_code == 200
    send_again(client, confirmation)
    assert Message.objects.get(pk=confirmation.pk).status == Status.SENT


def test_the_list_costs_the_same_for_one_message_and_for_many(
    client, staff, outbox, django_assert_num_queries
):
    client.force_login(staff)
    outbox.exclude(pk=outbox.first().pk).update(status=Status.SENT)
    with django_assert_num_queries(4):
        client.get(LIST, {"status__exact": "queued"})
    with django_assert_num_queries(4):
        client.get(LIST, {"status__exact": "sent"})


def test_others_see_no_messages(client, student, confirmation):
    client.force_login(student)
    assert client.get(LIST).status_code == 302
