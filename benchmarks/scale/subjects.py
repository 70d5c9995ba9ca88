"""Everything that is measured, by name; and what of the site is not, which is an error."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from benchmarks.scale.world import World

Work = Callable[[], object]


@dataclass(frozen=True)
class Subject:
    """`prepare` looks up what the work needs; only the work is measured, each time within a transaction that is undone.

    `per` counts what the work goes through one by one, such as the payments of an audit: of these the cost of one is
    judged. `part` is what of the site it measures: a URL, a task or a service.
    """

    name: str
    part: str
    prepare: Callable[[World], Work]
    is_every_minute: bool = False
    per: Callable[[World], int] | None = None


def unmeasured(
    parts: Iterable[str], subjects: Iterable[Subject], exempt: Iterable[str] = ()
) -> Iterator[str]:
    """Of the site's URLs or tasks those that no subject measures, and measured ones that are gone.

    What is exempt need not be there: some addresses exist in one set-up only.
    """
    parts, measured, exempt = set(parts), {subject.part for subject in subjects}, set(exempt)
    for part in sorted(parts - measured - exempt):
        yield f"{part} is not measured"
    for part in sorted(measured - parts):
        yield f"{part} does not exist"
    for part in sorted(exempt & measured):
        yield f"{part} is measured, and said not to be"
