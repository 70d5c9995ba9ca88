"""Waking a worker: the one way from a page to the queue.

What is to be done is written in rows, which the schedule finds within a minute, so that a broker which is away costs
that minute, and neither the page nor what was saved.
"""

import os
from functools import partial
from typing import Any

from celery import Task, current_app
from django.db import transaction
from kombu.connection import Connection
from kombu.pools import ProducerPool

from lib.breaker import Breaker

# How long connecting, and then each answer, may take of a request's time.
ANSWER_SECONDS = 0.5
# One more try at once, for a connection that its server has closed meanwhile.
AT_ONCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
POOL_SIZE = 4

broker = Breaker("the queue", without="workers hear of new work from the schedule only", pause_seconds=15)
_pools: dict[int, ProducerPool] = {}


def enqueue_on_commit(task: Task[..., Any], *args: Any) -> None:
    """Queue a task once the rows are committed. Never fails, and never waits for long."""
    transaction.on_commit(partial(_enqueue, task, args))


def _enqueue(task: Task[..., Any], args: tuple[Any, ...]) -> None:
    if broker.is_open:
        return
    try:
        with _pool().acquire(block=True, timeout=ANSWER_SECONDS) as producer:
            # What no worker has come to by the schedule's next tick is taken up by that.
            task.apply_async(args, producer=producer, expires=55, retry=True, retry_policy=AT_ONCE)
    except Exception as error:  # a broker's client raises what it likes
        broker.failed(error)
    else:
        broker.worked()


def _pool() -> ProducerPool:
    """This process's own, and not one that it had before a fork: its connections are impatient, a worker's are not."""
    if os.getpid() not in _pools:
        connection: Connection = current_app.connection_for_write(
            transport_options={"socket_connect_timeout": ANSWER_SECONDS, "socket_timeout": ANSWER_SECONDS}
        )
        _pools[os.getpid()] = ProducerPool(connection.Pool(limit=POOL_SIZE), limit=POOL_SIZE)
    return _pools[os.getpid()]
