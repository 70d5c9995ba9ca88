"""The outbox, and what the site keeps of its own doings."""

from collections.abc import Iterator

from benchmarks.scale.rows.people import FREE
from benchmarks.scale.rows.sessions import MAIL_WAITS, SCHEDULED_AT, TAKES_PLACE
from benchmarks.scale.rows.sql import Insert, now
from benchmarks.scale.sizes import DUE, Size


def messages() -> Iterator[Insert]:
    confirmed = f"'booking-event:' || i::bigint * 3 - CASE type WHEN {FREE} THEN 2 ELSE 1 END"
    reminds_at = "starts_at - interval '1 day'"
    for person, name in (("m", "mentor"), ("student", "student")):
        waits = f"k = {MAIL_WAITS} AND m <= {DUE} AND {str(name == 'student').lower()}"
        for kind, event, is_waiting, due_at, at in (
            (
                "session_scheduled",
                confirmed,
                waits,
                f"CASE WHEN {waits} THEN {now('-1 minute')} ELSE {SCHEDULED_AT} END",
                SCHEDULED_AT,
            ),
            (
                "reminder_24h",
                "'reminder-24h:' || i || ':0'",
                f"{reminds_at} > {now()}",
                reminds_at,
                reminds_at,
            ),
        ):
            sent_at = f"CASE WHEN {is_waiting} THEN NULL ELSE {at} + interval '5 seconds' END"
            yield Insert(
                "notifications.Message",
                f"plan WHERE {TAKES_PLACE}",
                {
                    "event": event,
                    "kind": f"'{kind}'",
                    "recipient_id": person,
                    "booking_id": "i",
                    "status": f"CASE WHEN {is_waiting} THEN 'queued' ELSE 'sent' END",
                    "due_at": due_at,
                    "attempts": f"CASE WHEN {is_waiting} THEN 0 ELSE 1 END",
                    "claimed_at": sent_at,
                    "sent_at": sent_at,
                    "address": f"CASE WHEN {is_waiting} THEN '' ELSE '{name}-' || {person} || '@example.com' END",
                    "created_at": SCHEDULED_AT,
                },
            )


def doings(size: Size) -> Iterator[Insert]:
    yield Insert(
        "sessions.Session",
        f"generate_series(1, {size.students // 2 + DUE}) i",
        {
            "session_key": "'scale' || lpad(i::text, 27, '0')",
            "session_data": "''",
            "expire_date": f"CASE WHEN i <= {DUE} THEN {now('-1 minute')} ELSE {now('10 days')} END",
        },
    )
    yield Insert(
        "admin.LogEntry",
        f"generate_series(1, {size.sessions}, 1000) i",
        {
            "action_time": f"{now('-300 days')} + i * interval '10 seconds'",
            "user_id": str(size.mentors + size.students + 1),
            "content_type_id": "(SELECT min(id) FROM django_content_type WHERE model = 'booking')",
            "object_id": "i::text",
            "object_repr": "'A session'",
            "action_flag": "2",
            "change_message": "'Looked at'",
        },
    )
    yield Insert(
        "config.FailingRow",
        f"generate_series(1, {2 * DUE}) i",
        {
            "sweep": "'bookings.expire'",
            "row": "'SESSION-' || i",
            "error": "'It could not be done'",
            "first_at": now("-1 hour"),
            "last_at": now("-1 minute"),
            "resolved_at": f"CASE WHEN i > {DUE} THEN {now('-1 minute')} END",
        },
    )
    yield Insert(
        "config.Heartbeat",
        "(VALUES ('messages'), ('sweeps')) queues (name)",
        {"name": "name", "at": now()},
    )
    yield Insert(
        "config.Sweep",
        "(VALUES ('bookings.tasks.sweep'), ('payments.tasks.sweep'), ('notifications.tasks.deliver_due'))"
        " sweeps (name)",
        {"name": "name", "held_until": now(), "finished_at": now()},
    )
    yield Insert(
        "mfa.Authenticator",
        f"generate_series(1, {size.mentors}, 10) i",
        {"user_id": "i", "type": "'totp'", "data": "'{}'", "created_at": now("-100 days")},
    )
