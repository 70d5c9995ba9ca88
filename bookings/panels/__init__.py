"""The parts of sessions' pages that upper apps fill."""

from lib.panels import Panels

# Rows are bookings. In lists and on the session's own page stand what money adds to the words of its state, what its
# student is told while money is being checked, and the receipt's address; money, its references and messages on that
# page alone; the trail is for staff: every row of money, with its links.
sessions = Panels(
    *("session_state", "session_checked", "session_receipt"),
    *("session_money", "session_references", "session_messages", "session_trail"),
)
