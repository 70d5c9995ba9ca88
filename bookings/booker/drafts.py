"""What a visitor typed on the last step, kept in their session until they are signed in, or have chosen again."""

import secrets
from dataclasses import asdict, dataclass

from django.http import HttpRequest

SESSION_KEY = "booking_draft"
# More of a text than any field takes is not kept.
LONGEST = 5000


@dataclass(frozen=True)
class Draft:
    """`path` is the wizard it is for. `url` is the state at which its button was pressed, and `shown` the token of
    what that page showed; both are empty when it was not."""

    path: str
    url: str = ""
    shown: str = ""
    topic: str = ""
    notes: str = ""
    name: str = ""
    email: str = ""
    purpose: str = ""

    @property
    def typed(self) -> dict[str, str]:
        """By the names of the forms' fields; an account's address is its login."""
        return {
            "topic": self.topic,
            "notes": self.notes,
            "name": self.name,
            "email": self.email,
            "login": self.email,
        }


def keep(request: HttpRequest, *, url: str = "", shown: str = "") -> Draft:
    """What was posted; `url` where it was pressed to book, which gives it a purpose of its own."""
    typed = {name: request.POST.get(name, "")[:LONGEST] for name in ("topic", "notes", "name")}
    email = request.POST.get("email") or request.POST.get("login") or ""
    purpose = secrets.token_urlsafe(12) if url else ""
    draft = Draft(request.path, url, shown, **typed, email=email[:LONGEST], purpose=purpose)
    request.session[SESSION_KEY] = asdict(draft)
    return draft


def draft_of(request: HttpRequest) -> Draft | None:
    kept = request.session.get(SESSION_KEY)
    return Draft(**kept) if kept else None


def draft_for(request: HttpRequest, path: str) -> Draft:
    """What is kept for that wizard; empty when there is nothing."""
    draft = draft_of(request)
    return draft if draft and draft.path == path else Draft(path)


def forget(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)
