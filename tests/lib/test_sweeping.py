import logging

import pytest

from accounts.models import User
from lib.sweeping import Row, Swept, delete_in_batches, each, each_row, part_swept

SECRET = KeyError("no such thing")


@pytest.fixture
def told():
    """What was said of the parts that were swept."""
    heard: list[Swept] = []

    def hear(swept, **_):
        heard.append(swept)

    part_swept.connect(hear)
    yield heard
    part_swept.disconnect(hear)


def work(item):
    if item % 2:
        raise SECRET


@pytest.mark.django_db
def test_each_goes_on_after_one_that_fails_and_tells_of_both(told, caplog):
    with caplog.at_level(logging.ERROR, "lib.sweeping"):
        swept = each("test.part", [1, 2, 3, 4], work, called=lambda item: Row(f"row {item}"))
    assert swept.done == [Row("row 2"), Row("row 4")]
    assert swept.failed == {Row("row 1"): SECRET, Row("row 3"): SECRET}
    assert told == [swept]
    assert [(record.message, record.sweep, record.row) for record in caplog.records] == [
        ("sweep failed on one", "test.part", "row 1"),
        ("sweep failed on one", "test.part", "row 3"),
    ]


@pytest.mark.django_db
def test_each_begins_no_more_when_its_time_is_over(told):
    assert each("test.part", [2, 4], work, called=lambda item: Row(str(item)), seconds=0).done == []
    assert len(told) == 1


@pytest.mark.django_db
def test_each_stops_at_what_is_everybodys_trouble_and_tells_what_it_had_done(told):
    with pytest.raises(KeyError):
        each("test.part", [2, 3, 4], work, called=lambda item: Row(str(item)), stops_at=(KeyError,))
    assert told[0].done == [Row("2")]


@pytest.mark.django_db
def test_listener_that_fails_does_not_stop_a_sweep(caplog):
    def fail(**_):
        raise SECRET

    part_swept.connect(fail)
    try:
        assert each("test.part", [2], work, called=lambda item: Row(str(item))).done == [Row("2")]
    finally:
        part_swept.disconnect(fail)


def test_each_row_calls_a_row_by_what_staff_know_of_it(student):
    swept = each_row("test.part", User.objects.filter(pk=student.pk), lambda pk: pk)
    assert swept.done == [Row(f"user {student.pk}", "accounts.user", student.pk)]


def test_delete_in_batches_deletes_no_more_than_it_is_told(student, stranger, staff):
    assert delete_in_batches(User.objects.all(), most=2) == 2
    assert delete_in_batches(User.objects.all()) == 1
    assert delete_in_batches(User.objects.all()) == 0
