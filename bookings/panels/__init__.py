"""The parts of sessions' pages that upper apps fill."""

from lib.panels import Panels

# Rows are bookings. A badge stands in lists and on the session's own page, money and messages on that page alone; the
# trail is for staff: every row of money, with its links.
sessions = Panels("session_badge", "session_money", "session_messages", "session_trail")
