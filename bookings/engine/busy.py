"""From rows to the busy time that the engine works on."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Case, Expression, F, Func, IntegerField, Q, When

from accounts.models import User
from bookings.engine.slots import Busy
from bookings.models import Status, TimeClaim
from lib.intervals import Interval
from lib.wallclock import DAY_MINUTES, from_epoch_minute
from mentors.models import Mentor, SessionType


class WholeNumber(Expression):
    """What the database answers is an int already: thousands of rows without a conversion each."""

    def get_db_converters(self, connection: Any) -> list[Any]:
        return []


class EpochMinute(WholeNumber, Func):
    """Whole minutes since the epoch, computed by the database: no datetime a row."""

    arity = 1
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # Days since 1970 as a float; what is added, a sixteenth of a second, is more than its error.
        template = "CAST((julianday(%(expressions)s) - 2440587.5) * 1440 + 0.001 AS INTEGER)"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="(EXTRACT(EPOCH FROM %(expressions)s)::bigint / 60)", **context
        )


def load_busy(
    mentors: Sequence[Mentor],
    student: User | None,
    window: Interval,
    now: datetime,
    *,
    giving_up: SessionType | None = None,
    ignore: Iterable[int] = (),
) -> dict[int, Busy]:
    """What stands in the way of booking each mentor, by the mentor's primary key: one query.

    `giving_up` is the session type that the student is about to book: their own open hold of it is
    reported as `held`, not as busy, because picking again gives it up. `ignore` are bookings that
    don't count, such as the one that is being moved.
    """
    margin = 8 * DAY_MINUTES if any(mentor.max_per_week for mentor in mentors) else 2 * DAY_MINUTES
    me = student.pk if student else None
    claims = (
        TimeClaim.objects.live(now)
        .filter(person_id__in={mentor.user_id for mentor in mentors} | ({me} if me else set()))
        .reaching_into(from_epoch_minute(window[0] - margin), from_epoch_minute(window[1] + margin))
        .exclude(booking_id__in=list(ignore))
        .values_list(
            "person_id", EpochMinute(F("starts_at")), EpochMinute(F("ends_at")), _kind(me, giving_up)
        )
    )
    taken: dict[int, list[Interval]] = defaultdict(list)
    sessions: dict[int, list[int]] = defaultdict(list)
    held: dict[int, set[int]] = defaultdict(set)
    for person, start, stop, kind in claims:
        if kind == GIVEN_UP:
            held[person].add(start)
            continue
        taken[person].append((start, stop))
        if kind == SESSION:
            sessions[person].append(start)
    return {
        mentor.pk: Busy(
            mentor=taken[mentor.user_id],
            student=taken[me] if me else (),
            sessions=sessions[mentor.user_id],
            held=held[mentor.user_id],
        )
        for mentor in mentors
    }


# What a claim is to the person whose time it takes: the mentor of the session, when it begins with that.
OTHER, SESSION, GIVEN_UP = range(3)


class Kind(WholeNumber, Case):
    pass


def _kind(me: int | None, giving_up: SessionType | None) -> Kind:
    """As one number, since each column more is read thousands of times."""
    kinds = [When(~Q(booking__student=F("person")) & Q(booking__starts_at=F("starts_at")), then=SESSION)]
    if me and giving_up:
        given_up = When(
            booking__student=me,
            booking__session_type=giving_up,
            booking__status=Status.AWAITING_PAYMENT,
            booking__requires_approval=False,
            then=GIVEN_UP,
        )
        kinds.insert(0, given_up)
    return Kind(*kinds, default=OTHER, output_field=IntegerField())
