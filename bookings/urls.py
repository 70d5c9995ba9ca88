from django.urls import path

from bookings.views import sessions, wizard
from lib import converters  # noqa: F401

urlpatterns = [
    path("mentors/<slug:slug>/book/", wizard.booking_wizard, name="book"),
    path("my-sessions/", sessions.my_sessions, name="my_sessions"),
    path("sessions/<reference:reference>/", sessions.session_detail, name="session_detail"),
    path(
        "sessions/<reference:reference>/confirmation/",
        sessions.session_confirmation,
        name="session_confirmation",
    ),
    path(
        "sessions/<reference:reference>/cancellation/",
        sessions.session_cancellation,
        name="session_cancellation",
    ),
    path("sessions/<reference:reference>/invite.ics", sessions.session_invite, name="session_invite"),
    path("sessions/<reference:reference>/join/", sessions.session_join, name="session_join"),
    path("sessions/<reference:reference>/accept/", sessions.session_accept, name="session_accept"),
    path("sessions/<reference:reference>/decline/", sessions.session_decline, name="session_decline"),
    path("dashboard/sessions/", sessions.dashboard_sessions, name="dashboard_sessions"),
]
