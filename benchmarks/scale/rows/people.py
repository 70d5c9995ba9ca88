"""Everybody with an account, and what mentors say and offer."""

from collections.abc import Iterator

from django.conf import settings

from benchmarks.scale.rows.sql import Insert, now, one_of
from benchmarks.scale.sizes import NOW, Size

FIRST_NAMES = "Meera Arjun Sofia Jonas Wanjiru Haruka Callum Imogen Rajat Renata Thiago Zofia Nikhil"
LAST_NAMES = "Rao Kapoor Delgado Lindemann Kamande Minegishi Whitford Thackray Mukherji Olvera Bittencourt"
SKILLS = "Python Interviews Design Databases Leadership Writing Careers Testing Security Statistics"
LANGUAGES = "en:English hi:Hindi es:Spanish de:German fr:French pt:Portuguese ja:Japanese th:Thai it:Italian ko:Korean"
ZONES = "Asia/Kolkata Europe/Berlin America/New_York Asia/Tokyo Australia/Sydney"
POLICIES = "flexible moderate strict flexible"
# A mentor's session types; their k-th session is of type k % 4.
FREE, INSTANT, APPROVAL, HOURLY = range(4)
# A word that one mentor has, and one that every fourth has.
RARE_WORD, COMMON_WORD = "Zanzibar", "compilers"
# Nobody's: signing in is not measured by it.
PASSWORD = "pbkdf2_sha256$1000000$scale$0000000000000000000000000000000000000000000="


def people(size: Size) -> Iterator[Insert]:
    people, staff = size.mentors + size.students, size.mentors + size.students + 1
    email = (
        f"CASE WHEN i <= {size.mentors} THEN 'mentor-' || i WHEN i <= {people} THEN 'student-' || i"
        " ELSE 'staff' END || '@example.com'"
    )
    yield Insert(
        settings.AUTH_USER_MODEL,
        f"generate_series(1, {staff}) i",
        {
            "id": "i",
            "email": email,
            "name": f"{one_of(FIRST_NAMES, 'i')} || ' ' || {one_of(LAST_NAMES, 'i / 13')}",
            "password": f"'{PASSWORD}'",
            "time_zone": one_of(ZONES, "i"),
            "is_mentor": f"i <= {size.mentors}",
            "is_staff": f"i = {staff}",
            "is_superuser": f"i = {staff}",
            "date_joined": f"{now('-900 days')} + i * interval '1 second'",
        },
    )
    yield Insert(
        "account.EmailAddress",
        f"generate_series(1, {staff}) i",
        {"id": "i", "user_id": "i", "email": email, "verified": "true", "primary": "true"},
    )
    yield Insert(
        "payments.ProviderCustomer",
        f"generate_series({size.mentors + 1}, {people}, 10) i",
        {
            "user_id": "i",
            "gateway": "'stripe'",
            "customer_ref": "'cus_' || i",
            "created_at": now("-300 days"),
        },
    )


def mentors(size: Size) -> Iterator[Insert]:
    mentors = f"generate_series(1, {size.mentors}) m"
    for model, words in (("mentors.Skill", SKILLS), ("mentors.Language", LANGUAGES)):
        rows = ", ".join(
            "({}, '{}', '{}')".format(number, *reversed((":" + word).split(":")[-2:]))
            for number, word in enumerate(words.split(), 1)
        )
        key = "slug" if model == "mentors.Skill" else "code"
        slug = "lower(name)" if key == "slug" else "code"
        yield Insert(model, f"(VALUES {rows}) rows (id, name, code)", {"id": "id", "name": "name", key: slug})
    applied = f"{now('-800 days')} + m * interval '1 minute'"
    yield Insert(
        "mentors.Mentor",
        mentors,
        {
            "id": "m",
            "user_id": "m",
            "slug": "'mentor-' || m",
            "status": "CASE WHEN mod(m, 50) = 7 THEN 'applied' WHEN mod(m, 100) = 8 THEN 'suspended'"
            " ELSE 'approved' END",
            "is_paused": "mod(m, 50) = 9",
            "headline": f"'Helps with ' || {one_of(SKILLS, 'm')} || ' and ' || {one_of(SKILLS, 'm + 5')}",
            "bio": f"repeat('Years of practice, many teams, and time to listen. ', 8)"
            f" || CASE WHEN m = {size.looked_at} THEN 'Has lived in {RARE_WORD}. ' ELSE '' END"
            f" || CASE WHEN mod(m, 4) = 1 THEN 'Knows {COMMON_WORD}.' ELSE '' END",
            "time_zone": one_of(ZONES, "m"),
            "cancellation_policy": one_of(POLICIES, "m"),
            "allows_same_day": "true",
            "applied_at": applied,
            "approved_at": f"CASE WHEN mod(m, 50) <> 7 THEN {applied} + interval '1 day' END",
        },
    )
    for model, choices, each in (
        ("mentors.Mentor_skills", SKILLS, "m + n * 3"),
        ("mentors.Mentor_languages", LANGUAGES, "m + n * 2"),
    ):
        other = "skill_id" if choices == SKILLS else "language_id"
        yield Insert(
            model,
            f"(SELECT DISTINCT m, 1 + mod({each}, {len(choices.split())}) AS n"
            f" FROM {mentors}, generate_series(0, 2) n) rows",
            {"mentor_id": "m", other: "n"},
        )
    yield Insert(
        "mentors.MentorStatusChange",
        f"{mentors} WHERE mod(m, 50) <> 7",
        {
            "mentor_id": "m",
            "was": "'applied'",
            "became": "'approved'",
            "at": f"{applied} + interval '1 day'",
            "by_id": str(size.mentors + size.students + 1),
        },
    )
    offers = (
        f"({FREE}, 'Mock interview', 'interview', 'fixed', 0, 'INR', '[60]', false),"
        f"({INSTANT}, 'Résumé review', 'resume', 'fixed', 50000, 'INR', '[60]', false),"
        f"({APPROVAL}, 'First meeting', 'meeting', 'fixed', 0, 'INR', '[60]', true),"
        f"({HOURLY}, 'System design', 'design', 'hourly', 5000, 'USD', '[60, 90]', false)"
    )
    yield Insert(
        "mentors.SessionType",
        f"{mentors}, (VALUES {offers})"
        " offers (number, name, slug, pricing, price, currency, durations, approval)",
        {
            "id": "(m - 1) * 4 + number + 1",
            "mentor_id": "m",
            "slug": "slug",
            "name": "name",
            "pricing": "pricing",
            # Of one mentor to the next a little more, so that prices have an order.
            "price_minor": "CASE WHEN price > 0 THEN price + mod(m, 997) ELSE 0 END",
            "currency": "currency",
            "durations": "durations::jsonb",
            "requires_approval": "approval",
            "position": "number",
        },
    )
    yield Insert(
        "mentors.WeeklyHours",
        f"{mentors}, generate_series(0, 6) day,"
        " (VALUES ('open', time '09:00', time '17:00'), ('break', time '12:00', time '12:30'))"
        " hours (kind, starts, ends)",
        {"mentor_id": "m", "kind": "kind", "weekday": "day", "starts": "starts", "ends": "ends"},
    )
    yield Insert(
        "mentors.DateOverride",
        f"{mentors}, (VALUES (-30), (45)) days (day)",
        {
            "mentor_id": "m",
            "first_date": f"date '{NOW.date()}' + day",
            "last_date": f"date '{NOW.date()}' + day",
        },
    )
