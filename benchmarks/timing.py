"""What a piece of work costs next to another: taken in turns, so that a busy machine slows both, and medians."""

from collections.abc import Callable, Sequence
from statistics import median
from time import process_time

ROUNDS = 101
SAMPLE = 0.002  # seconds that a sample lasts at least: short work is repeated


def compare(*works: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """The median CPU milliseconds of each, one sample of each in every round."""
    repeats = [_repeats(work) for work in works]
    samples: Sequence[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, repeat, taken in zip(works, repeats, samples, strict=True):
            start = process_time()
            for _ in range(repeat):
                work()
            taken.append((process_time() - start) / repeat * 1000)
    return [median(taken) for taken in samples]


def _repeats(work: Callable[[], object]) -> int:
    work()  # the first call fills caches
    start = process_time()
    work()
    return max(1, round(SAMPLE / max(process_time() - start, 1e-6)))


def headline() -> None:
    print(f"{'':<59}{'ours':>11} {'reference':>11} {'ratio':>6}")


def say(name: str, what: str, cost: float, reference: float, most: float) -> bool:
    ratio = cost / reference
    verdict = "met" if ratio <= most else "MISSED"
    print(
        f"{name:<16} {what:<42} {cost:8.3f} ms {reference:8.3f} ms {ratio:6.2f}   at most {most:g}: {verdict}"
    )
    return ratio <= most
