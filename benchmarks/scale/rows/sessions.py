"""Who met whom, and what became of it."""

from collections.abc import Iterator

from benchmarks.scale.rows.people import APPROVAL, FREE, HOURLY, INSTANT, POLICIES, SKILLS
from benchmarks.scale.rows.sql import Insert, code, now, one_of
from benchmarks.scale.sizes import DUE, SESSIONS_A_MENTOR, Size

PAST = 170  # of a mentor's 200 sessions; from then on they lie ahead
# Which session of a mentor is something special: of the first mentors it is due, of every tenth it waits.
WAITS_FOR_ANSWER, WAITS_FOR_MONEY = 170, 171
IS_OVER, WAS_FLAGGED, GOES_BACK, NOT_ANSWERED, NOT_PAID, MAIL_WAITS, ASKED_ABOUT = (
    168,
    163,
    167,
    174,
    175,
    172,
    179,
)


def plan(size: Size) -> str:
    """When they meet, who it is, and what became of it: one row a session, which all its other rows are made from.

    A mentor's sessions lie on days of their own, and so do a student's: nobody is in two at once.
    """
    status = f"""
        CASE
        WHEN k = {IS_OVER} AND m <= {DUE} THEN 'scheduled'
        WHEN k = {GOES_BACK} AND m <= {DUE} THEN 'cancelled'
        WHEN k = {WAS_FLAGGED} AND m <= {DUE} THEN 'completed'
        WHEN k = {NOT_ANSWERED} AND m <= {DUE} OR k = {WAITS_FOR_ANSWER} AND mod(m, 10) = 0 THEN 'requested'
        WHEN k IN ({NOT_PAID}, {ASKED_ABOUT}) AND m <= {DUE} OR k = {WAITS_FOR_MONEY} AND mod(m, 10) = 0
            THEN 'awaiting_payment'
        WHEN k >= {PAST} THEN 'scheduled'
        WHEN lot < 85 THEN 'completed'
        WHEN lot < 92 THEN 'cancelled'
        ELSE CASE type WHEN {FREE} THEN 'completed' WHEN {APPROVAL} THEN 'declined' ELSE 'expired' END
        END"""
    return f"""
        CREATE UNLOGGED TABLE plan AS
        SELECT i, k, m, student, type, {status} AS status, starts_at, starts_at + interval '1 hour' AS ends_at,
            CASE WHEN k < {PAST}
                THEN starts_at - (2 + mod(k, 7)) * interval '1 day' - mod(m * 7, 60) * interval '1 minute'
                ELSE {now()} - (k - {PAST}) * interval '1 day' - mod(m * 13, 1440) * interval '1 minute'
                END AS created_at,
            price, currency, fee, price + fee AS amount
        FROM (
            SELECT i, k, m, mod(k, 4) AS type, mod(m * 31 + k * 17, 100) AS lot,
                {size.mentors} + 1 + mod(m - 1 + k * 37, {size.mentors}) + {size.mentors} * mod(k, 20) AS student,
                date_trunc('day', {now()}, 'UTC')
                    + CASE WHEN k < {PAST} THEN 4 * (k - {PAST}) ELSE 2 * (k - {PAST}) + 2 END * interval '1 day'
                    + (9 + mod(k * 3, 8)) * interval '1 hour' + mod(m, 4) * interval '15 minutes' AS starts_at
            FROM (
                SELECT i, (i - 1) / {size.mentors} AS k, mod(i - 1, {size.mentors}) + 1 AS m
                FROM generate_series(1, {size.mentors * SESSIONS_A_MENTOR}) i
            ) numbered
        ) placed
        JOIN (VALUES ({FREE}, 0, 0, 'INR'), ({INSTANT}, 50000, 2500, 'INR'), ({APPROVAL}, 0, 0, 'INR'),
            ({HOURLY}, 5000, 250, 'USD')) offers (type, price, fee, currency) USING (type)
        ORDER BY i"""


TAKES_PLACE = "status IN ('scheduled', 'completed')"


def sessions() -> Iterator[str | Insert]:
    until = (
        f"CASE WHEN status = 'awaiting_payment' THEN CASE WHEN k = {NOT_PAID} THEN {now('-1 minute')}"
        f" ELSE {now('10 minutes')} END WHEN status = 'expired' THEN created_at + interval '15 minutes' END"
    )
    answer = (
        f"CASE WHEN status = 'requested' THEN CASE WHEN k = {NOT_ANSWERED} THEN {now('-1 minute')}"
        f" ELSE {now('1 hour')} END WHEN status = 'declined' THEN created_at + interval '48 hours' END"
    )
    name = f"CASE type WHEN {FREE} THEN 'Mock interview' WHEN {INSTANT} THEN 'Résumé review'"
    yield Insert(
        "bookings.Booking",
        "plan",
        {
            "id": "i",
            "reference": f"'SESSION-' || {code('i', 1)}",
            "mentor_id": "m",
            "student_id": "student",
            "session_type_id": "(m - 1) * 4 + type + 1",
            "status": "status",
            "starts_at": "starts_at",
            "ends_at": "ends_at",
            "hold_expires_at": until,
            "respond_by": answer,
            "type_name": f"{name} WHEN {APPROVAL} THEN 'First meeting' ELSE 'System design' END",
            "price_minor": "price",
            "fee_minor": "fee",
            "currency": "currency",
            "cancellation_policy": one_of(POLICIES, "m"),
            "requires_approval": f"type = {APPROVAL}",
            "room": "'room-' || i",
            "topic": f"'Where to go next with ' || {one_of(SKILLS, 'i')}",
            "sequence": "CASE WHEN status IN ('declined', 'cancelled') THEN 1 ELSE 0 END",
            "created_at": "created_at",
        },
    )
    for person, end in (("m", "ends_at"), ("student", "ends_at")):
        yield Insert(
            "bookings.TimeClaim",
            f"plan WHERE {TAKES_PLACE} OR status IN ('requested', 'awaiting_payment')",
            {
                "booking_id": "i",
                "person_id": person,
                "starts_at": "starts_at",
                "ends_at": end,
                "expires_at": f"CASE WHEN status = 'requested' THEN {answer}"
                f" WHEN status = 'awaiting_payment' THEN {until} END",
            },
        )
    began = f"CASE type WHEN {FREE} THEN 'scheduled' WHEN {APPROVAL} THEN 'requested' ELSE 'held' END"
    yield _event(0, "plan", began, "created_at", "student")
    paid_or_accepted = f"plan WHERE type <> {FREE} AND status IN ('scheduled', 'completed', 'cancelled')"
    yield _event(1, paid_or_accepted, "'scheduled'", SCHEDULED_AT, f"CASE type WHEN {APPROVAL} THEN m END")
    for status, kind, at, actor in (
        ("completed", "completed", "ends_at + interval '30 seconds'", "NULL::bigint"),
        ("cancelled", "cancelled", "starts_at - interval '1 day'", "student"),
        ("declined", "declined", "created_at + interval '3 hours'", "m"),
        ("expired", "expired", "created_at + interval '16 minutes'", "NULL::bigint"),
    ):
        yield _event(2, f"plan WHERE status = '{status}'", f"'{kind}'", at, actor)
    yield Insert(
        "bookings.Review",
        "plan WHERE status = 'completed' AND mod(k, 3) = 0",
        {
            "booking_id": "i",
            "rating": "3 + mod(m + k, 3)",
            "words": "CASE WHEN mod(k, 2) = 0 THEN 'Clear, kind and well prepared. I would come again.' ELSE '' END",
            "created_at": "ends_at + interval '1 day'",
        },
    )


SCHEDULED_AT = (
    f"created_at + CASE type WHEN {APPROVAL} THEN interval '1 hour' WHEN {FREE} THEN interval '0'"
    " ELSE interval '5 minutes' END"
)


def _event(number: int, source: str, kind: str, at: str, actor: str) -> Insert:
    """At most three a session."""
    key = f"i::bigint * 3 + {number - 2}"
    return Insert(
        "bookings.BookingEvent",
        source,
        {"id": key, "booking_id": "i", "kind": kind, "at": at, "actor_id": actor},
    )


def kept_sums() -> Iterator[str]:
    """What is written down of a mentor's sessions and reviews."""
    yield """
        UPDATE mentors_mentor SET session_count = found.sessions
        FROM (SELECT m, count(*) AS sessions FROM plan WHERE status = 'completed' GROUP BY m) found
        WHERE id = m"""
    yield """
        UPDATE mentors_mentor SET rating_mean = found.mean, review_count = found.reviews
        FROM (
            SELECT m, count(*) AS reviews, round(avg(rating), 2) AS mean
            FROM bookings_review JOIN plan ON booking_id = i GROUP BY m
        ) found
        WHERE id = m"""
