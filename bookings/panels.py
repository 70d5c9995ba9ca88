from lib.panels import Panel

# Rows are bookings: a badge in lists, and blocks on the session's own page.
session_badge = Panel("session_badge")
session_money = Panel("session_money")
session_messages = Panel("session_messages")
# On the staff's page of a booking: every row of money, with its links.
session_trail = Panel("session_trail")


def register() -> None:
    """Put what bookings know on the pages of mentors."""
    from bookings import availability_panels, mentor_panels
    from mentors import panels

    panels.mentor_times.register(mentor_panels.render_times)
    panels.mentor_reviews.register(mentor_panels.render_reviews)
    panels.mentor_policy.register(mentor_panels.render_policy)
    panels.policy_choices.register(mentor_panels.render_policy_choices)
    panels.dashboard_next.register(mentor_panels.render_next)
    panels.availability_preview.register(availability_panels.render_preview)
    panels.sessions_outside_hours.register(availability_panels.render_outside)
