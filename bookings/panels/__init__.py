"""The parts of sessions' pages that upper apps fill."""

from lib.panels import Panel

# Rows are bookings: a badge in lists, and blocks on the session's own page.
session_badge = Panel("session_badge")
session_money = Panel("session_money")
session_messages = Panel("session_messages")
# On the staff's page of a booking: every row of money, with its links.
session_trail = Panel("session_trail")
