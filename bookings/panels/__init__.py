"""The parts of sessions' pages that upper apps fill."""

from lib.panels import Panels

# Rows are bookings. In lists and on the session's own page stand a badge, and what its student is told while money is
# being checked; money and messages on that page alone; the trail is for staff: every row of money, with its links.
sessions = Panels("session_badge", "session_checked", "session_money", "session_messages", "session_trail")
