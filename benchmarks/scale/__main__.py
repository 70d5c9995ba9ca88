"""`python -m benchmarks.scale SIZE`: does what the site does cost the same when the site is large?

Starts a PostgreSQL server with a database for each size in `var/bench-scale`, fills what is empty, and measures
everything on the small site and on the one of that size in turns: statements, rows read, time in the database, time in
all. Ends with 1 when the larger one's is more than 1.5 times the smaller one's (1.2 times for what runs every minute),
or something of the site is not measured. `small` alone is measured without a comparison.
"""

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg

from benchmarks.scale import report
from benchmarks.scale.measuring import Figures
from benchmarks.scale.report import Cost, Line
from benchmarks.scale.sizes import SIZES, Size
from benchmarks.scale.worker import Failed, Worker
from tests.servers import start_postgresql

KEPT_IN = Path(__file__).resolve().parent.parent.parent / "var" / "bench-scale"
# More rounds for what seems to have grown: on a busy machine it may be the machine.
ROUNDS, ROUNDS_OF_DOUBT = 3, 9
SERVER = {
    "autovacuum": "off",
    # So that all of a query's work is its own process's.
    "max_parallel_workers_per_gather": "0",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "shared_buffers": "512MB",
}
# What never ends is a failure, and no hang.
DATABASE = {"statement_timeout": "60s"}


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # which ends the server too
    small, large = SIZES[asked.against], SIZES[asked.size]
    sizes = [small] if small == large else [small, large]
    with ExitStack() as stack:
        url = stack.enter_context(start_postgresql(KEPT_IN, SERVER))
        make_databases(url, sizes, anew=asked.refill)
        workers = [stack.enter_context(closing(Worker(size, url))) for size in sizes]
        for worker in workers:
            if seconds := worker.ask("prepare"):
                print(f"{worker.size.name}: filled with {worker.size.sessions:,} sessions in {seconds:.0f} s")
        if asked.keep_running:
            print(
                "\n".join(f"{size.name}: {url.rpartition('/')[0]}/{size.name}" for size in sizes), flush=True
            )
            input("Enter ends the server. ")
            return 0
        lines = []
        print(report.headline(small.name, large.name if small != large else None))
        for line in measure(workers, asked.only):
            print(report.row(line), flush=True)
            lines.append(line)
    KEPT_IN.joinpath(f"{large.name}.json").write_text(
        json.dumps([line.to_json() for line in lines], indent=1)
    )
    bad = sum(not line.is_well for line in lines)
    print(f"{len(lines)} measured, {bad} of them not as they should be.")
    return 1 if bad or not lines else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.scale", description=__doc__)
    parser.add_argument("size", choices=SIZES, help="of the site that is measured")
    parser.add_argument("--against", choices=SIZES, default="small", help="the smaller one (default: small)")
    parser.add_argument("--only", default="", help="what has this in its name")
    parser.add_argument("--refill", action="store_true", help="fill the databases anew")
    parser.add_argument(
        "--keep-running", action="store_true", help="measure nothing, and say where to connect"
    )
    return parser.parse_args(arguments)


def make_databases(
    url: str, sizes: Sequence[Size], *, anew: bool = False, settings: Mapping[str, str] = DATABASE
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for size in sizes:
            if anew:
                connection.execute(f'DROP DATABASE IF EXISTS "{size.name}"')
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [size.name]).fetchone():
                connection.execute(f'CREATE DATABASE "{size.name}"')
            for name, value in settings.items():
                connection.execute(f'ALTER DATABASE "{size.name}" SET {name} = {value!r}')


def measure(workers: Sequence[Worker], only: str = "") -> Iterator[Line]:
    """One after another, on all sizes in turns."""
    for name, is_every_minute in workers[0].ask("catalogue"):
        if only in name:
            yield compare(workers, name, is_every_minute)


def compare(
    workers: Sequence[Worker], name: str, is_every_minute: bool, most_rounds: int = ROUNDS_OF_DOUBT
) -> Line:
    found: list[list[Figures]] = [[] for _ in workers]
    line = None
    for number in range(most_rounds):
        is_enough = len(workers) == 1 or number >= ROUNDS
        if line is not None and is_enough and (line.is_well or "rows" in line.grown):
            break
        try:
            for worker, figures in zip(workers, found, strict=True):
                figures.append(worker.ask("measure", name))
        except Failed as failure:
            costs = [Cost.of(figures) if figures else None for figures in (*found, [])]
            return Line(name, is_every_minute, costs[0], costs[1], f"{worker.size.name}: {failure}")
        costs = [Cost.of(figures) for figures in found]
        line = Line(name, is_every_minute, costs[0], costs[1] if len(costs) > 1 else None)
    assert line is not None
    return line


if __name__ == "__main__":
    sys.exit(main())
