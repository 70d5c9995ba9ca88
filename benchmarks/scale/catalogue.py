"""All that is measured, and what of the site is not."""

from functools import cache

from benchmarks.scale import pages, works
from benchmarks.scale.subjects import Subject, unmeasured


@cache
def subjects() -> dict[str, Subject]:
    """By name, staff's lists last: they take the longest."""
    found = [
        *pages.site_subjects(),
        *works.task_subjects(),
        *works.service_subjects(),
        *pages.admin_subjects(),
    ]
    by_name = {subject.name: subject for subject in found}
    assert len(by_name) == len(found), "Two subjects have one name"
    return by_name


def missing() -> list[str]:
    """What of the site is measured by nothing, in words."""
    return [
        *unmeasured(pages.names(), pages.subjects(), pages.EXEMPT),
        *unmeasured(works.tasks(), works.task_subjects()),
        *(f"the admin's search of {label} is not measured" for label in sorted(pages.unsearched())),
    ]
