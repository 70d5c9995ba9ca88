from accounts.panels import Panel

# Rows are mentors.
mentor_times = Panel("mentor_times")
mentor_reviews = Panel("mentor_reviews")
dashboard_next = Panel("dashboard_next")
