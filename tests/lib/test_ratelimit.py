from datetime import datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import resolve, reverse

from accounts.middleware import PostLimitMiddleware
from accounts.models import User
from lib.ratelimit import USUAL, address_of, count, limit_posts, limit_uploads, limits_of
from tests import site_map
from tests.mentors.pictures import plain, upload

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@limit_posts("knocking", times=2, seconds=60)
def door(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


@limit_uploads("parcels", times=1, seconds=3600)
def hatch(request: HttpRequest) -> HttpResponse:
    return HttpResponse("taken")


def knock(
    rf: RequestFactory,
    user: User | None = None,
    address: str = "192.0.2.1",
    method: str = "POST",
    view=door,
    data=None,
) -> HttpResponse:
    request = getattr(rf, method.lower())("/door/", data, REMOTE_ADDR=address)
    request.user = user or AnonymousUser()
    request.resolver_match = None
    return PostLimitMiddleware(view).process_view(request, view, (), {}) or view(request)


def test_limit_says_when_to_come_back(rf: RequestFactory, present: datetime) -> None:
    with time_machine.travel(present + timedelta(seconds=20), tick=False):
        answers = [knock(rf) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1]["Retry-After"] == "40"
    assert b"Please wait 40 seconds" in answers[-1].content


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


def test_limit_takes_a_household_of_ipv6_for_one_address(rf: RequestFactory) -> None:
    answers = [knock(rf, address=f"2001:db8:1:2::{last}").status_code for last in ("1", "2", "ffff")]
    assert answers == [200, 200, 429]
    assert knock(rf, address="2001:db8:1:3::1").status_code == 200


@pytest.mark.parametrize(
    ("sent_from", "address"),
    [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("", ""), ("a socket", "")],
)
def test_address_is_one_however_it_is_written(rf: RequestFactory, sent_from: str, address: str) -> None:
    assert address_of(rf.get("/", REMOTE_ADDR=sent_from)) == address


def test_limit_does_not_count_looking(rf: RequestFactory) -> None:
    assert [knock(rf, method="GET").status_code for _ in range(5)] == [200] * 5


def test_limit_of_uploads_counts_posts_with_a_file_only(rf: RequestFactory, student: User) -> None:
    def send(**data) -> int:
        return knock(rf, student, view=hatch, data=data).status_code

    assert [send(photo=upload(plain())), send(name="x"), send(photo=upload(plain()))] == [200, 200, 429]


def post_often(who: str, scope: str, times: int) -> None:
    for _ in range(times):
        count(who, scope, times=times, seconds=USUAL.seconds)


def test_every_view_that_anybody_can_post_to_is_limited(client: Client, staff: User) -> None:
    """Each address of the URL table in turn, after as many posts as its view allows."""
    client.force_login(staff)
    unlimited = set()
    for place in site_map.places():
        if place.is_signed_by_sender:
            unlimited.add(place.name)
            continue
        for limit in limits_of(place.view):
            if not limit.uploads_only:
                post_often(f"user-{staff.pk}", limit.scope or resolve(place.path).view_name, limit.times)
        answer = client.post(place.path)
        assert answer.status_code == 429, place.path
        assert 0 < int(answer["Retry-After"]) <= USUAL.seconds
    assert unlimited == {
        "webhook_stripe",
        "webhook_razorpay",
        "webhook_stripe_bare",
        "webhook_razorpay_bare",
    }


def test_limit_of_a_page_that_names_none_holds_for_real_posts(client: Client, student: User) -> None:
    client.force_login(student)
    address = reverse("time_zone_update")
    answers = [
        client.post(address, {"time_zone": "Europe/Berlin"}).status_code for _ in range(USUAL.times + 1)
    ]
    assert answers == [302] * USUAL.times + [429]


def test_limit_is_wider_for_an_address_than_for_a_person(client: Client) -> None:
    address = reverse("time_zone_update")
    post_often("ip-127.0.0.1", "time_zone_update", USUAL.times)
    assert client.post(address, {"time_zone": "Europe/Berlin"}).status_code == 302
    post_often("ip-127.0.0.1", "time_zone_update", USUAL.times_by_address - USUAL.times - 1)
    assert client.post(address, {"time_zone": "Europe/Berlin"}).status_code == 429
