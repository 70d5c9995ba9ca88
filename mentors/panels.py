from lib.panels import Panel

# Rows are mentors.
mentor_times = Panel("mentor_times")
mentor_reviews = Panel("mentor_reviews")
# The mentor's own cancellation policy in words, and what all of them mean, for the mentor who chooses one.
mentor_policy = Panel("mentor_policy")
policy_choices = Panel("policy_choices")
dashboard_next = Panel("dashboard_next")
# Exactly what students will see, and the sessions that lie outside the hours as they stand now.
availability_preview = Panel("availability_preview")
sessions_outside_hours = Panel("sessions_outside_hours")
