"""Which task goes through which queue, and what a worker takes up when it starts."""

import pytest
from celery.schedules import crontab
from django.conf import settings
from kombu import Connection

from config.celery import app, catch_up

QUICK = ["config.tasks.heartbeat", "notifications.tasks.deliver_due"]
SLOW = [
    "bookings.tasks.refresh_openings",
    "bookings.tasks.sweep",
    "config.tasks.heartbeat",
    "payments.tasks.sweep",
]


@pytest.fixture
def broker():
    """What lies in each queue of the broker in memory: the names of tasks, taken out."""
    with Connection("memory://") as connection:
        channel = connection.channel()

        def taken(queue):
            names = []
            while message := channel.basic_get(queue, no_ack=True):
                names.append(message.headers["task"])
            return sorted(names)

        for queue in settings.CELERY_TASK_QUEUES:
            app.amqp.queues[queue](channel).declare()
            taken(queue)
        yield taken


@pytest.mark.parametrize(
    ("takes_from", "messages", "sweeps"),
    [(["messages"], QUICK, []), (["sweeps"], [], SLOW), (["messages", "sweeps"], QUICK, SLOW)],
)
def test_worker_that_starts_takes_up_the_minute_tasks_of_its_queues(
    broker, monkeypatch, takes_from, messages, sweeps
):
    monkeypatch.setattr(
        app.amqp.queues, "_consume_from", {queue: app.amqp.queues[queue] for queue in takes_from}
    )
    catch_up()
    assert broker("messages") == messages
    assert broker("sweeps") == sweeps


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("notifications.tasks.deliver", "messages"),
        ("notifications.tasks.deliver_due", "messages"),
        ("bookings.tasks.sweep", "sweeps"),
        ("payments.tasks.send_refund", "sweeps"),
        ("payments.tasks.process_webhook_event", "sweeps"),
        ("payments.tasks.reconcile", "sweeps"),
        ("a.task.that.nobody.thought.of", "sweeps"),
    ],
)
def test_mail_waits_behind_no_provider(task, queue):
    assert app.amqp.router.route({}, task)["queue"].name == queue


def test_schedule_names_tasks_that_there_are():
    entries = settings.CELERY_BEAT_SCHEDULE.values()
    assert {entry["task"] for entry in entries} <= set(app.tasks)


def test_what_is_not_asked_for_every_minute_is_asked_for_at_a_time_of_the_clock():
    entries = settings.CELERY_BEAT_SCHEDULE.values()
    rare = [entry["schedule"] for entry in entries if entry["schedule"] != settings.EVERY_MINUTE]
    assert rare
    assert all(isinstance(schedule, crontab) for schedule in rare)


def test_every_sweep_of_the_schedule_runs_alone():
    entries = settings.CELERY_BEAT_SCHEDULE.values()
    tasks = {entry["task"] for entry in entries} - {"config.tasks.heartbeat"}
    assert [task for task in sorted(tasks) if not app.tasks[task].alone] == []
