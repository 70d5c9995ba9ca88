"""The parts of mentors' pages that upper apps fill."""

from lib.panels import Panels

# Rows are mentors. Next open times stand on cards and the profile; the first of them by itself, reviews and the
# cancellation policy in words on the profile; what all the policies mean, what is next, and how it is going on the
# mentor's own pages.
mentors = Panels(
    *("mentor_times", "mentor_times_on_profile", "mentor_next_open", "mentor_reviews", "mentor_policy"),
    *("policy_choices", "dashboard_next", "dashboard_figures"),
)
# Rows are `mentors.schedules.MentorHours`, saved or only tried: exactly what students would see, and the sessions that
# lie outside.
hours = Panels("availability_preview", "sessions_outside_hours")
