"""Eight workers take up the same sweep at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from config.models import Sweep
from tests.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 8
NAME = "bookings.tasks.sweep"
UNTIL = NOW + timedelta(minutes=1)


def in_every_worker(take):
    """What each got, with a connection of its own; errors are the test's."""
    got, errors, start = [], [], threading.Barrier(WORKERS)

    def run(holder):
        try:
            connection.ensure_connection()
            got.append(take(holder, start))
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(f"worker {number}",)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    return got


def take(holder, start):
    start.wait(30)
    return Sweep.objects.take(NAME, holder=holder, now=NOW, until=UNTIL)


def test_without_the_compare_and_set_more_than_one_takes_it():
    Sweep.objects.create(name=NAME, held_until=NOW)

    def look_then_take(holder, start):
        sweep = Sweep.objects.get(name=NAME)
        start.wait(30)
        if sweep.held_until > NOW:
            return False
        sweep.holder, sweep.held_until = holder, UNTIL
        sweep.save()
        return True

    assert in_every_worker(look_then_take) == [True] * WORKERS


@pytest.mark.parametrize("state", ["new", "free", "its worker was killed"])
def test_one_worker_of_many_takes_it(state):
    if state != "new":
        holder = "" if state == "free" else "a killed worker"
        Sweep.objects.create(name=NAME, holder=holder, held_until=NOW)
    assert sorted(in_every_worker(take)) == [False] * (WORKERS - 1) + [True]


def test_nobody_takes_it_before_the_hold_of_a_killed_worker_lapses():
    Sweep.objects.create(name=NAME, holder="a killed worker", held_until=NOW + timedelta(seconds=1))
    assert in_every_worker(take) == [False] * WORKERS
