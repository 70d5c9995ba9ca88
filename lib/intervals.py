"""Stretches of time as pairs of whole minutes, [start, end)."""

from collections.abc import Iterable, Sequence

# Minutes of a wall-clock day, [start, end); the end is past 1440 for an interval that runs over midnight.
Span = tuple[int, int]
# Minutes since the epoch, [start, end).
Interval = tuple[int, int]


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted and disjoint; intervals that touch become one."""
    merged: list[Interval] = []
    for start, stop in sorted(intervals):
        if merged and start <= merged[-1][1]:
            if stop > merged[-1][1]:
                merged[-1] = (merged[-1][0], stop)
        elif stop > start:
            merged.append((start, stop))
    return merged


def subtract(intervals: Iterable[Interval], holes: Sequence[Interval]) -> list[Interval]:
    """What is left of each of these intervals, sorted by their starts, without sorted, disjoint holes."""
    left: list[Interval] = []
    at = 0
    for start, stop in intervals:
        while at < len(holes) and holes[at][1] <= start:
            at += 1
        hole = at
        while hole < len(holes) and holes[hole][0] < stop:
            if holes[hole][0] > start:
                left.append((start, holes[hole][0]))
            start = max(start, holes[hole][1])
            hole += 1
        if start < stop:
            left.append((start, stop))
    return left
