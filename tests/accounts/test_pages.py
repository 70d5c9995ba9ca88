"""Every page of allauth that can be reached is ours: one heading, labelled fields, nothing inline."""

import re

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from accounts.services import vouch_for_email

pytestmark = pytest.mark.once

# With what stands in for the parts of a path.
EXAMPLES = {"uidb36": "1", "key": "abc-def"}


def account_urls() -> list[str]:
    found = []

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> None:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, route)
            elif route.startswith("accounts/"):
                found.append("/" + re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda part: EXAMPLES[part[1]], route))

    walk(get_resolver().url_patterns, "")
    return [re.sub(r"[\^$]", "", url) for url in found]


@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("url", account_urls())
def test_account_page_is_in_the_sites_own_look(
    client: Client, student: User, url: str, signed_in: bool
) -> None:
    if signed_in:
        vouch_for_email(student)
        client.post("/accounts/login/", {"login": student.email, "password": "office-hours"})
        client.post("/accounts/reauthenticate/", {"password": "office-hours"})
    answer = client.get(url)
    if answer.status_code in (302, 404):
        return
    assert answer.status_code == 200
    assert answer.text.count("<h1") == 1
    assert '<header class="header">' in answer.text
    assert not re.search(r"<style| style=| on\w+=|<script(?! src=)", answer.text)
    for field in re.findall(r"<(?:input|select|textarea)[^>]*>", answer.text):
        if 'type="hidden"' not in field:
            name = re.search(r' id="([^"]+)"', field)
            assert name, field
            assert f'for="{name[1]}"' in answer.text, field


def test_there_are_account_pages_to_look_at() -> None:
    assert {
        "/accounts/login/",
        "/accounts/2fa/totp/activate/",
        "/accounts/password/reset/key/1-abc-def/",
    } < set(account_urls())
