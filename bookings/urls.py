from django.urls import path

from bookings.views import sessions, wizard

urlpatterns = [
    path("mentors/<slug:slug>/book/", wizard.booking_wizard, name="book"),
    path("my-sessions/", sessions.my_sessions, name="my_sessions"),
    path("sessions/<str:reference>/", sessions.session_detail, name="session_detail"),
    path(
        "sessions/<str:reference>/confirmation/", sessions.session_confirmation, name="session_confirmation"
    ),
    path(
        "sessions/<str:reference>/cancellation/", sessions.session_cancellation, name="session_cancellation"
    ),
    path("sessions/<str:reference>/invite.ics", sessions.session_invite, name="session_invite"),
    path("sessions/<str:reference>/join/", sessions.session_join, name="session_join"),
    path("sessions/<str:reference>/accept/", sessions.session_accept, name="session_accept"),
    path("sessions/<str:reference>/decline/", sessions.session_decline, name="session_decline"),
    path("dashboard/sessions/", sessions.dashboard_sessions, name="dashboard_sessions"),
]
