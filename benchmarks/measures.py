"""What is measured: the engine, the way from the database to a page's context, and the page's HTML."""

from datetime import timedelta
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.template import Context, Engine
from django.template.loader import get_template
from django.test.utils import CaptureQueriesContext

from benchmarks import database, reference
from benchmarks.timing import compare, say
from benchmarks.workloads import (
    DAYS,
    DURATION,
    FIRST,
    MENTOR_ZONE,
    NOW,
    ONE_DAY,
    OVERRIDES,
    STEP,
    VIEWER_ZONE,
    W1,
    W2,
    W3,
    WEEKLY,
    Workload,
    schedule,
)
from bookings.booker import calendar, state
from bookings.engine.slots import State, by_date, free_starts
from mentors.models import SessionType

MOST_QUERIES = 3


def run() -> bool:
    """Whether every target is met."""
    met = [engine(workload) for workload in (W1, W2, W3)]
    call_command("migrate", verbosity=0)
    with transaction.atomic():
        viewer = database.viewer()
        types = {workload.name: database.fill(workload) for workload in (W1, W2)}
        met += [context(viewer, types), html(viewer, types["W1"])]
        transaction.set_rollback(True)
    return all(met)


def engine(workload: Workload) -> bool:
    """Every rule, grouped and labelled for the viewer, against a sweep that knows none; both answer the same."""
    rules, busy, window, taken = schedule(), workload.busy, workload.window, workload.taken

    def ours() -> Any:
        return by_date(free_starts(rules, busy, window, DURATION, NOW), VIEWER_ZONE)

    def bare() -> Any:
        starts = reference.sweep(
            MENTOR_ZONE, WEEKLY, OVERRIDES, workload.first, workload.days, taken, DURATION, STEP
        )
        return reference.by_date(starts, VIEWER_ZONE)

    answer = {
        day: [(minute, state is State.FREE, label) for minute, state, label in slots]
        for day, slots in ours().items()
    }
    assert answer == bare(), "the engine and its reference must answer the same"
    cost, least = compare(ours, bare)
    starts = sum(map(len, answer.values()))
    return say(f"engine {workload.name}", f"{len(taken)} bookings, {starts} starts", cost, least, 2)


def context(viewer: Any, types: dict[str, SessionType]) -> bool:
    """From the database to what the date and time steps show, with ten times the bookings and without."""

    def page(name: str) -> Any:
        session_type = types[name]
        choice = state.Choice(session_type, DURATION, day=ONE_DAY)
        offer = state.load_offer(session_type.mentor, choice, viewer, VIEWER_ZONE, NOW)
        return (
            calendar.month_context(choice, offer, "Mentor"),
            calendar.times_context(choice, offer, session_type.mentor),
        )

    with CaptureQueriesContext(connection) as queries:
        page("W2")
    many, few = compare(lambda: page("W2"), lambda: page("W1"), rounds=61)
    met = say("context W2/W1", f"2,000 bookings against 200, {len(queries)} queries", many, few, 3)
    return met and len(queries) <= MOST_QUERIES


def html(viewer: Any, session_type: SessionType) -> bool:
    """Sixty days as the wizard shows them, months and times, against a plain template of the same strings."""
    choice = state.Choice(session_type, DURATION)
    mentor = session_type.mentor
    offer = state.load_offer(mentor, choice, viewer, VIEWER_ZONE, NOW)
    dates = [FIRST + timedelta(days=n) for n in range(DAYS)]
    months = [
        calendar.month_context(state.Choice(session_type, DURATION, month=first), offer, "Mentor")
        for first in sorted({day.replace(day=1) for day in dates})
    ]
    times = [
        calendar.times_context(state.Choice(session_type, DURATION, day=day), offer, mentor) for day in dates
    ]
    month_page, times_page = (get_template(f"bookings/wizard/_{name}.html") for name in ("month", "slots"))
    plain = Engine()
    plain_month, plain_times = plain.from_string(reference.MONTH), plain.from_string(reference.TIMES)
    ready = [{"slots": [slot for _, group in each["groups"] for slot in group]} for each in times]

    def ours() -> str:
        return "".join(
            [month_page.render({"month": month}) for month in months]
            + [times_page.render({"groups": each["groups"]}) for each in times]
        )

    def bare() -> str:
        return "".join(
            [plain_month.render(Context(month)) for month in months]
            + [plain_times.render(Context(each)) for each in ready]
        )

    cost, least = compare(ours, bare, rounds=41)
    slots = sum(len(each["slots"]) for each in ready)
    return say("HTML W1", f"{len(months)} months, {slots} starts, {len(ours()) // 1000} kB", cost, least, 2)
