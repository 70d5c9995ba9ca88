"""Terms, privacy, refunds and contact: what comes with the site, and what staff write instead."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from config import plain_pages
from config.models import PlainPage

pytestmark = [pytest.mark.once, pytest.mark.django_db]

EDIT = "/admin/config/plainpage/terms/change/"


@pytest.fixture(autouse=True)
def kept(db: None) -> None:
    """As the migration leaves them, whichever tests have emptied the tables since."""
    for slug in PlainPage.Slug.values:
        PlainPage.objects.get_or_create(slug=slug)


@pytest.mark.parametrize("slug", PlainPage.Slug.values)
def test_each_page_comes_with_a_text_and_stands_in_the_footer(
    client: Client, settings: Settings, slug: str
) -> None:
    settings.SUPPORT_EMAIL = "help@example.com"
    html = client.get(f"/{slug}/").text
    assert "<p>" in html
    assert "help@example.com" in html
    assert "{" not in html.partition("<article")[2].partition("</article>")[0]
    assert f'href="/{slug}/"' in client.get("/").text
    assert client.post(f"/{slug}/").status_code == 405


def test_refunds_name_the_rules_that_hold(client: Client) -> None:
    html = client.get("/refunds/").text
    assert "<li>Moderate: All your money back until 48 hours before, 50% of the price back" in html


def test_nothing_that_is_typed_is_markup(client: Client) -> None:
    text = (
        "# A <b>head</b>\nOne\ntwo & https://example.com/?a=1\n\n- <script>x</script>\n- two\nThree {nothing}"
    )
    PlainPage.objects.filter(slug="terms").update(text=text)
    assert (
        "<h2>A &lt;b&gt;head&lt;/b&gt;</h2>"
        '<p>One<br>two &amp; <a href="https://example.com/?a=1" rel="nofollow">https://example.com/?a=1</a></p>'
        "<ul><li>&lt;script&gt;x&lt;/script&gt;</li><li>two</li></ul>"
        "<p>Three {nothing}</p>"
    ) in client.get("/terms/").text


def test_a_page_that_was_never_kept_has_its_default(client: Client) -> None:
    PlainPage.objects.all().delete()
    assert "Your account</h2>" in client.get("/terms/").text


def test_staff_begin_with_what_is_shown_and_can_go_back_to_it(client: Client, staff: User) -> None:
    client.force_login(staff)
    assert "Your account" in client.get(EDIT).text
    assert client.post(EDIT, {"text": "Be kind.\r\n"}).status_code == 302
    assert "<p>Be kind.</p>" in client.get("/terms/").text
    for again in ("", plain_pages.default_text("terms").replace("\n", "\r\n")):
        client.post(EDIT, {"text": again})
        assert PlainPage.objects.get(slug="terms").text == ""


def test_only_who_may_writes_and_nobody_adds_or_removes(client: Client, stranger: User, staff: User) -> None:
    assert client.post(EDIT, {"text": "Mine"}).status_code == 302
    client.force_login(stranger)
    assert client.post(EDIT, {"text": "Mine"}).status_code in (302, 403)
    User.objects.filter(pk=staff.pk).update(is_superuser=False)
    staff.groups.add(Group.objects.get(name="Read only"))
    client.force_login(staff)
    assert client.post(EDIT, {"text": "Mine"}).status_code == 403
    staff.groups.set([Group.objects.get(name="Support")])
    assert client.post(EDIT, {"text": "Ours"}).status_code == 302
    for url in ("/admin/config/plainpage/add/", "/admin/config/plainpage/terms/delete/"):
        assert client.get(url).status_code == 403
    assert PlainPage.objects.get(slug="terms").text == "Ours"
