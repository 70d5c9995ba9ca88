import time
from datetime import UTC, datetime, timedelta

import pytest

from config import health
from config.models import Heartbeat
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
def test_heartbeat_moves_one_row():
    heartbeat()
    heartbeat()
    assert Heartbeat.objects.count() == 1
