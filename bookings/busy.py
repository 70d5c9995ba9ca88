"""From rows to the busy time that the engine works on."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, Func, IntegerField

from accounts.models import User
from bookings.models import Status, TimeClaim
from bookings.slots import Busy
from mentors.availability import DAY_MINUTES, Interval, from_epoch_minute
from mentors.models import Mentor, SessionType


class EpochMinute(Func):
    """Whole minutes since the epoch, computed by the database: thousands of rows without a datetime each."""

    arity = 1
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / 60)"
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
    people = {mentor.user_id for mentor in mentors} | ({student.pk} if student else set())
    claims = (
        TimeClaim.objects.live(now)
        .filter(
            person_id__in=people,
            starts_at__lt=from_epoch_minute(window[1] + margin),
            ends_at__gt=from_epoch_minute(window[0] - margin),
        )
        .exclude(booking_id__in=list(ignore))
        .values_list(
            "person_id",
            "booking_id",
            "booking__mentor_id",
            "booking__student_id",
            "booking__session_type_id",
            "booking__status",
            "booking__requires_approval",
            EpochMinute(F("starts_at")),
            EpochMinute(F("ends_at")),
            EpochMinute(F("booking__starts_at")),
        )
    )
    me = student.pk if student else None
    taken: dict[int, list[Interval]] = defaultdict(list)  # by person
    sessions: dict[int, dict[int, int]] = defaultdict(dict)  # starts by mentor and booking
    held: dict[int, set[int]] = defaultdict(set)  # starts by mentor
    given_up = (me, giving_up.pk if giving_up else None, Status.AWAITING_PAYMENT, False)
    for person, booking, mentor, *whose, start, stop, session_start in claims.iterator():
        if giving_up and tuple(whose) == given_up:
            held[mentor].add(session_start)
        else:
            taken[person].append((start, stop))
            sessions[mentor][booking] = session_start
    return {
        mentor.pk: Busy(
            mentor=taken[mentor.user_id],
            student=taken[me] if me else (),
            sessions=list(sessions[mentor.pk].values()),
            held=held[mentor.pk],
        )
        for mentor in mentors
    }
