from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from lib.wallclock import day_start, epoch_minute, local_date

NAMES = [
    *("America/New_York", "Europe/London", "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kolkata"),
    *("America/Santiago", "Pacific/Apia"),
]
ZONES = [ZoneInfo(name) for name in NAMES]


@given(st.sampled_from(ZONES), st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)))
def test_an_instant_lies_on_the_date_that_holds_it(zone: ZoneInfo, at: datetime) -> None:
    minute = epoch_minute(at.replace(tzinfo=UTC))
    day = local_date(zone, minute)
    assert day_start(zone, day) <= minute < day_start(zone, day + timedelta(days=1))
