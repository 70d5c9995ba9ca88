"""The measuring of a large site against a small one: it misses nothing of the site, and says when something grows."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from benchmarks.scale import catalogue, pages, works
from benchmarks.scale.__main__ import SERVER, compare, make_databases
from benchmarks.scale.sizes import Size
from benchmarks.scale.subjects import unmeasured
from benchmarks.scale.worker import Worker
from tests.servers import start_postgresql


@pytest.mark.once
def test_every_address_every_task_and_every_admin_search_is_measured():
    assert catalogue.missing() == []


@pytest.mark.once
def test_an_address_that_nothing_measures_is_named():
    names = pages.names() | {"a_page"}
    assert list(unmeasured(names, pages.subjects(), pages.EXEMPT)) == ["a_page is not measured"]


@pytest.mark.once
def test_a_task_that_nothing_measures_is_named():
    tasks = works.tasks() | {"bookings.tasks.a_task": None}
    assert list(unmeasured(tasks, works.task_subjects())) == ["bookings.tasks.a_task is not measured"]


@pytest.mark.once
def test_what_is_measured_and_gone_is_named():
    tasks = works.tasks().keys() - {"bookings.tasks.sweep"}
    assert list(unmeasured(tasks, works.task_subjects())) == ["bookings.tasks.sweep does not exist"]


@pytest.fixture(scope="module")
def workers() -> Iterator[list[Worker]]:
    """Two sites so small that the database would rather read their tables whole, which it is kept from."""
    sizes = [Size("less", 10), Size("more", 40)]
    with ExitStack() as stack:
        url = stack.enter_context(start_postgresql(options=SERVER))
        make_databases(url, sizes, settings={"enable_seqscan": "off"})
        found = [stack.enter_context(closing(Worker(size, url))) for size in sizes]
        for worker in found:
            worker.ask("prepare")
        yield found


@pytest.mark.processes
def test_the_money_that_is_filled_in_adds_up(workers):
    assert [worker.ask("problems") for worker in workers] == [[], []]


STUDENTS_LIST = "paid: /my-sessions/?show=all"
SWEEP = "task: bookings.tasks.sweep"
# Every index of sessions that names a column, whatever it is called.
DROP_INDEXES = """
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN SELECT indexname FROM pg_indexes
            WHERE tablename = 'bookings_booking' AND indexdef LIKE '%{column}%'
        LOOP EXECUTE format('DROP INDEX %I', name); END LOOP;
    END $$
"""


@pytest.mark.processes
@pytest.mark.parametrize(("name", "column"), [(STUDENTS_LIST, "student_id"), (SWEEP, "status")])
def test_what_costs_the_same_grows_without_its_index(workers, name, column):
    before = compare(workers, name, is_every_minute=name == SWEEP, most_rounds=1)
    assert not before.trouble
    assert "rows" not in before.grown
    for worker in workers:
        worker.ask("execute", DROP_INDEXES.format(column=column))
    after = compare(workers, name, is_every_minute=name == SWEEP, most_rounds=1)
    assert "rows" in after.grown
    assert not after.is_well
    assert "bookings_booking" in after.verdict
