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
        make_databases(url, sizes)
        found = [stack.enter_context(closing(Worker(size, url, {"enable_seqscan": "off"}))) for size in sizes]
        for worker in found:
            worker.ask("prepare")
        yield found


STUDENTS_LIST = "paid: /my-sessions/?show=all"


@pytest.mark.processes
def test_a_page_that_reads_one_persons_rows_costs_the_same(workers):
    line = compare(workers, STUDENTS_LIST, is_every_minute=False)
    assert "rows" not in line.grown
    assert not line.trouble


@pytest.mark.processes
def test_without_its_index_it_grows(workers):
    for worker in workers:
        worker.ask("execute", DROP_INDEXES_OF_STUDENT)
    line = compare(workers, STUDENTS_LIST, is_every_minute=False)
    assert "rows" in line.grown
    assert not line.is_well
    assert "bookings_booking" in line.verdict


# Every one that begins with the student, whatever it is called.
DROP_INDEXES_OF_STUDENT = """
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN SELECT indexname FROM pg_indexes
            WHERE tablename = 'bookings_booking' AND indexdef LIKE '%(student_id%'
        LOOP EXECUTE format('DROP INDEX %I', name); END LOOP;
    END $$
"""
