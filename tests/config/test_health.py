import time
from datetime import UTC, datetime, timedelta

import pytest

from config import health
from config.models import FailingRow, Heartbeat, Sweep
from config.tasks import heartbeat

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
JUST_STARTED = timedelta(seconds=5)
LONG_UP = timedelta(hours=1)


@pytest.mark.django_db
def test_healthz_is_fine_on_a_fresh_site(client, monkeypatch):
    monkeypatch.setattr(health, "STARTED_AT", time.monotonic())
    response = client.get("/healthz")
    assert response.status_code == 200
    body = response.json()
    assert body["status"] == "ok"
    assert body["database"] == {"status": "ok"}
    assert body["cache"] == {"status": "ok"}
    assert body["outbox"] == {"status": "ok", "oldest_due_seconds": 0}
    assert body["tzdata"].startswith("20")
    assert "no-store" in response["Cache-Control"]


def test_healthz_fails_without_the_database_and_still_answers_that_it_lives(client):
    response = client.get("/healthz")  # pytest-django refuses the database to a test that did not ask for it
    assert response.status_code == 503
    assert response.json()["database"] == {"status": "failed", "error": "RuntimeError"}
    assert client.get("/healthz?live").status_code == 200


@pytest.mark.django_db
def test_healthz_fails_without_the_cache(client, settings):
    settings.CACHES = {
        "default": {"BACKEND": "config.cache.SharedRedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json()["cache"] == {"status": "failed", "error": "ConnectionError"}


@pytest.mark.django_db
def test_healthz_refuses_a_post(client):
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_schedule_is_unknown_at_first_and_failed_later_when_it_never_ran():
    assert health.report(NOW, JUST_STARTED)["schedule"] == {"status": "unknown", "age_seconds": None}
    assert health.report(NOW, LONG_UP)["schedule"] == {"status": "failed", "age_seconds": None}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age", "up_for", "status"),
    [
        (timedelta(minutes=2), LONG_UP, "ok"),
        (timedelta(minutes=4), LONG_UP, "failed"),
        (timedelta(hours=8), JUST_STARTED, "unknown"),
    ],
)
def test_schedule_is_judged_by_its_last_heartbeat(age, up_for, status):
    Heartbeat.objects.create(name="schedule", at=NOW - age)
    finding = health.report(NOW, up_for)["schedule"]
    assert finding == {"status": status, "age_seconds": age.total_seconds()}


@pytest.mark.django_db
def test_heartbeat_moves_one_row_a_queue():
    for queue in ("messages", "sweeps", "messages"):
        heartbeat(queue, added_later=1)
    assert sorted(Heartbeat.objects.values_list("name", flat=True)) == ["messages", "sweeps"]


@pytest.mark.django_db
def test_queue_that_nobody_works_off_is_a_failure_while_the_schedule_lives():
    Heartbeat.objects.create(name="messages", at=NOW)
    Heartbeat.objects.create(name="sweeps", at=NOW - timedelta(minutes=11))
    findings = health.report(NOW, LONG_UP)
    assert findings["schedule"]["status"] == "ok"
    assert findings["queues"] == {"status": "failed", "age_seconds": {"messages": 0, "sweeps": 660}}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ages", "up_for", "status"),
    [
        ({"messages": 1, "sweeps": 9}, LONG_UP, "ok"),
        ({"messages": 11, "sweeps": 1}, LONG_UP, "failed"),
        ({"messages": 11, "sweeps": 1}, JUST_STARTED, "unknown"),
        ({"messages": 1}, LONG_UP, "failed"),
        ({}, JUST_STARTED, "unknown"),
    ],
)
def test_queues_are_judged_by_the_one_that_is_worst_off(ages, up_for, status):
    for queue, minutes in ages.items():
        Heartbeat.objects.create(name=queue, at=NOW - timedelta(minutes=minutes))
    assert health.report(NOW, up_for)["queues"]["status"] == status


def gone_through(minutes_ago, *, besides=()):
    for name in health.every_minute() - set(besides):
        at = NOW - timedelta(minutes=minutes_ago)
        Sweep.objects.create(name=name, held_until=at, finished_at=at)


@pytest.mark.django_db
def test_sweeps_that_go_through_are_fine():
    gone_through(1)
    assert health.report(NOW, LONG_UP)["sweeps"] == {"status": "ok", "late": [], "failing": {}}
    assert health.every_minute() == {
        "bookings.tasks.refresh_openings",
        "bookings.tasks.sweep",
        "notifications.tasks.deliver_due",
        "payments.tasks.sweep",
    }


@pytest.mark.django_db
def test_sweep_that_does_not_go_through_is_a_failure_and_is_named():
    gone_through(1, besides=["payments.tasks.sweep"])
    finding = health.report(NOW, LONG_UP)["sweeps"]
    assert (finding["status"], finding["late"]) == ("failed", ["payments.tasks.sweep"])
    assert health.report(NOW, JUST_STARTED)["sweeps"]["status"] == "ok"


@pytest.mark.django_db
def test_row_that_fails_is_a_warning_that_names_its_sweep_and_hides_no_failure(client, monkeypatch):
    monkeypatch.setattr(health, "STARTED_AT", time.monotonic())
    row = {"row": "SESSION-7KQ2M9XA", "error": "LookupError", "first_at": NOW, "last_at": NOW}
    FailingRow.objects.create(sweep="bookings.expire", **row)
    FailingRow.objects.create(sweep="bookings.complete", **row, resolved_at=NOW)
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json()["status"] == "warning"
    assert response.json()["sweeps"] == {"status": "warning", "late": [], "failing": {"bookings.expire": 1}}
    assert "SESSION" not in response.content.decode()
    monkeypatch.setattr(health, "STARTED_AT", time.monotonic() - 3_600)
    response = client.get("/healthz")
    assert (response.status_code, response.json()["status"]) == (503, "failed")
