from datetime import datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from accounts.models import User
from accounts.ratelimit import limit_posts


@limit_posts("knocking", times=2, seconds=60)
def door(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


def knock(
    rf: RequestFactory, user: User | None = None, address: str = "192.0.2.1", method: str = "POST"
) -> HttpResponse:
    request = rf.generic(method, "/door/", REMOTE_ADDR=address)
    request.user = user or AnonymousUser()
    return door(request)


@pytest.mark.django_db
def test_limit_says_when_to_come_back(rf: RequestFactory, present: datetime) -> None:
    with time_machine.travel(present + timedelta(seconds=20), tick=False):
        answers = [knock(rf) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1]["Retry-After"] == "40"
    assert b"Please wait 40 seconds" in answers[-1].content


@pytest.mark.django_db
def test_limit_is_over_when_it_said(rf: RequestFactory, present: datetime) -> None:
    with time_machine.travel(present, tick=False):
        refused = [knock(rf) for _ in range(3)][-1]
    with time_machine.travel(present + timedelta(seconds=int(refused["Retry-After"])), tick=False):
        assert knock(rf).status_code == 200


def test_limit_counts_each_person_and_each_address_apart(
    rf: RequestFactory, student: User, stranger: User
) -> None:
    for _ in range(2):
        knock(rf, student)
    assert knock(rf, student, address="192.0.2.2").status_code == 429
    assert knock(rf, stranger).status_code == 200
    assert knock(rf).status_code == 200
    assert knock(rf, address="192.0.2.2").status_code == 200


@pytest.mark.django_db
def test_limit_does_not_count_looking(rf: RequestFactory) -> None:
    assert [knock(rf, method="GET").status_code for _ in range(5)] == [200] * 5
