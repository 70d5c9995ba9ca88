"""Every page and every form's address of the site, by role, with what the admin has of each model."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.db.models import Model
from django.test import RequestFactory

from benchmarks.scale.subjects import Subject, Work
from benchmarks.scale.world import World
from tests import site_map

NOBODY, MENTOR, STAFF, STUDENT = "", "mentor", "staff", "paid"
WEBHOOK_SECRET = "whsec_scale"  # of no real provider

PROVIDER = "asks a provider before anything else"
BY_MAIL = "its key comes by mail, and it reads one row by it"
SIGNING_IN = "a step of signing in, which reads rows of one person"
TWO_STEPS = "for people with two-step sign-in, and reads rows of one person"
# Why an address is not measured.
EXEMPT = {
    "media": "a file",
    "sitemap": "counts every mentor, and is kept for an hour",
    "sitemap_section": "names a thousand mentors, and is kept for an hour",
    "styleguide": "reads nothing",
    "payment_stripe": PROVIDER,
    "payment_saved_card": PROVIDER,
    "payment_razorpay": PROVIDER,
    "payment_razorpay_return": PROVIDER,
    "payment_methods": PROVIDER,
    "payment_method_add": PROVIDER,
    "payment_method_remove": PROVIDER,
    "webhook_razorpay": "stored and acted on as Stripe's",
    "webhook_razorpay_bare": "stored and acted on as Stripe's",
    "webhook_stripe_bare": "the same without a slash",
    "account_set_password": SIGNING_IN,
    "account_confirm_email": BY_MAIL,
    "account_email_verification_sent": SIGNING_IN,
    "account_reset_password_from_key": BY_MAIL,
    "account_confirm_login_code": SIGNING_IN,
    "book_code": SIGNING_IN,
    "mfa_authenticate": SIGNING_IN,
    "mfa_reauthenticate": SIGNING_IN,
    "mfa_deactivate_totp": TWO_STEPS,
    "mfa_view_recovery_codes": TWO_STEPS,
    "mfa_generate_recovery_codes": TWO_STEPS,
    "mfa_download_recovery_codes": TWO_STEPS,
    "admin:login": "leads to the site's own page",
    "admin:logout": SIGNING_IN,
    "admin:password_change": SIGNING_IN,
    "admin:password_change_done": SIGNING_IN,
    "admin:autocomplete": "no admin page asks it",
    "admin:jsi18n": "a script",
    "admin:view_on_site": "leads to a page of the site",
    "admin:django.views.generic.base.RedirectView": "leads to a row's page",
    "admin:django.contrib.admin.sites.AdminSite.catch_all_view": "is not there",
}


@dataclass(frozen=True)
class Page:
    """`who` is nobody, the mentor, staff, or the student of that session; `path` names facts in braces."""

    name: str
    path: str
    who: str = NOBODY
    status: int = 200
    posts: dict[str, str] | None = field(default=None, hash=False)

    @property
    def subject(self) -> Subject:
        return Subject(
            f"{self.who or 'anybody'}: {'POST ' if self.posts is not None else ''}{self.path}",
            self.name,
            self.prepare,
            is_every_minute=self.name == "healthz",
        )

    def prepare(self, world: World) -> Work:
        facts = world.facts
        world.sign_in(self.who)
        posts = None if self.posts is None else {name: it.format(**facts) for name, it in self.posts.items()}
        return partial(visit, world, self.who, self.path.format(**facts), {self.status}, posts)


def visit(world: World, who: str, path: str, expected: set[int], posts: dict[str, str] | None = None) -> None:
    client = world.client(who)
    answer = client.get(path) if posts is None else client.post(path, posts)
    if answer.status_code not in expected:
        raise AssertionError(f"{path}: {answer.status_code} {answer.headers.get('Location', '')}")
    b"".join(answer)


WIZARD = "/mentors/{mentor}/book/"
PAGES = [
    Page("healthz", "/healthz"),
    Page("robots", "/robots.txt"),
    Page("security_txt", "/.well-known/security.txt"),
    *(Page(name, f"/{name}/") for name in ("terms", "privacy", "refunds", "contact")),
    Page("landing", "/"),
    Page("landing", "/", STUDENT),
    Page("mentor_list", "/mentors/"),
    Page("mentor_list", "/mentors/?page=3"),
    Page("mentor_list", "/mentors/?sort=price"),
    Page("mentor_list", "/mentors/?sort=newest"),
    Page("mentor_list", "/mentors/?sort=sessions"),
    Page("mentor_list", "/mentors/?skill=python&language=en&rating=4"),
    Page("mentor_list", "/mentors/?free=on"),
    Page("mentor_list", "/mentors/?field=field-1"),
    Page("mentor_list", "/mentors/?when=week"),
    Page("mentor_list", "/mentors/?when=evening"),
    Page("mentor_list", "/mentors/?max_price=600&currency=INR"),
    Page("mentor_list", "/mentors/?q={rare}"),
    Page("mentor_list", "/mentors/?q={common}"),
    Page("mentor_list", "/mentors/?q=nothing-is-called-this"),
    Page("mentor_detail", "/mentors/{mentor}/"),
    Page("mentor_picture", "/mentors/{mentor}/picture.png"),
    Page("site_picture", "/picture.png"),
    Page("mentor_detail", "/mentors/{mentor}/", MENTOR),
    Page("mentor_apply", "/become-a-mentor/", STUDENT),
    Page("book", WIZARD),
    Page("book", WIZARD + "?type=interview"),
    Page("book", WIZARD + "?type=interview&view=week"),
    Page("book", WIZARD + "?type=interview&date={date}"),
    Page("book", WIZARD + "?type=resume&date={date}", STUDENT),
    Page("book", WIZARD + "?type=resume&start={start}", STUDENT),
    Page("my_sessions", "/my-sessions/", STUDENT),
    Page("my_sessions", "/my-sessions/?show=past", STUDENT),
    Page("my_sessions", "/my-sessions/?show=cancelled", STUDENT),
    Page("my_sessions", "/my-sessions/?show=all", STUDENT),
    Page("session_detail", "/sessions/{held}/", "held"),
    Page("session_detail", "/sessions/{paid}/", STUDENT),
    Page("session_detail", "/sessions/{past}/", MENTOR),
    Page("session_detail", "/sessions/{requested}/", MENTOR),
    Page("session_detail", "/sessions/{cancelled}/", "cancelled"),
    Page("session_confirmation", "/sessions/{paid}/confirmation/", STUDENT),
    Page("session_cancellation", "/sessions/{paid}/cancellation/", STUDENT),
    Page("session_reschedule", "/sessions/{paid}/reschedule/", STUDENT),
    Page("session_reschedule", "/sessions/{paid}/reschedule/", MENTOR),
    Page("session_invite", "/sessions/{paid}/invite.ics", STUDENT),
    Page("session_join", "/sessions/{paid}/join/", STUDENT),
    Page("session_accept", "/sessions/{requested}/accept/", MENTOR, 302, {}),
    Page("session_decline", "/sessions/{requested}/decline/", MENTOR, 302, {"reason": "Away"}),
    Page("payment", "/sessions/{held}/payment/", "held"),
    Page("payment_failed", "/sessions/{held}/payment/failed/", "held", 303),
    Page("payment_mock", "/sessions/{held}/payment/mock/", "held", 303, {"outcome": "success"}),
    Page("payment_return", "/sessions/{held}/payment/return/", "held", 303),
    Page("session_receipt", "/sessions/{paid}/receipt.pdf", STUDENT),
    Page("session_receipt_page", "/sessions/{paid}/receipt/", STUDENT),
    Page("payment_list", "/payments/", STUDENT),
    Page("dashboard", "/dashboard/", MENTOR),
    Page("dashboard_sessions", "/dashboard/sessions/", MENTOR),
    Page("dashboard_sessions", "/dashboard/sessions/?show=all", MENTOR),
    Page("dashboard_sessions", "/dashboard/sessions/?show=past&page=5", MENTOR),
    Page("dashboard_earnings", "/dashboard/earnings/", MENTOR),
    Page("dashboard_availability", "/dashboard/availability/", MENTOR),
    Page("dashboard_rules", "/dashboard/availability/rules/", MENTOR),
    Page("dashboard_dates", "/dashboard/availability/dates/", MENTOR),
    Page("dashboard_date", "/dashboard/availability/dates/{date}/", MENTOR),
    Page("dashboard_override_removal", "/dashboard/availability/dates/{override}/removal/", MENTOR, 302, {}),
    Page("dashboard_session_types", "/dashboard/session-types/", MENTOR),
    Page("dashboard_session_type_create", "/dashboard/session-types/new/", MENTOR),
    Page("dashboard_session_type_edit", "/dashboard/session-types/resume/", MENTOR),
    Page("dashboard_session_type_switch", "/dashboard/session-types/resume/switch/", MENTOR, 302, {}),
    Page(
        "dashboard_session_type_move",
        "/dashboard/session-types/resume/move/",
        MENTOR,
        302,
        {"to": "up"},
    ),
    Page("dashboard_profile", "/dashboard/profile/", MENTOR),
    Page("settings", "/settings/", STUDENT),
    Page("data", "/settings/data/", STUDENT),
    Page("data_download", "/settings/data/download/", STUDENT, 200, {}),
    Page("data_download", "/settings/data/download/", MENTOR, 200, {}),
    Page("account_closing", "/settings/data/closing/", STUDENT),
    Page("account_closing", "/settings/data/closing/", MENTOR),
    Page("time_zone_update", "/settings/time-zone/"),
    Page("city_list", "/settings/time-zone/cities/"),
    Page("account_login", "/accounts/login/"),
    Page(
        "account_login",
        "/accounts/login/",
        NOBODY,
        422,
        {"login": "{email}", "password": "wrong"},
    ),
    Page("account_signup", "/accounts/signup/"),
    Page("account_logout", "/accounts/logout/", STUDENT),
    Page("account_inactive", "/accounts/inactive/"),
    Page("account_reauthenticate", "/accounts/reauthenticate/", STUDENT),
    Page("account_email", "/accounts/email/", STUDENT),
    Page("account_change_password", "/accounts/password/change/", STUDENT),
    Page("account_reset_password", "/accounts/password/reset/"),
    Page("account_reset_password_done", "/accounts/password/reset/done/"),
    Page("account_reset_password_from_key_done", "/accounts/password/reset/key/done/"),
    Page("account_request_login_code", "/accounts/login/code/"),
    Page("mfa_index", "/accounts/2fa/", STUDENT),
    Page("mfa_activate_totp", "/accounts/2fa/totp/activate/", STUDENT),
    Page("admin:index", "/admin/", STAFF),
    Page("staff_find", "/admin/find/?q={paid}", STAFF, 302),
    Page("admin:app_list", "/admin/payments/", STAFF),
    Page("admin:bookings_booking_cancel", "/admin/bookings/booking/{paid_pk}/cancel/", STAFF),
    Page("admin:bookings_review_visibility", "/admin/bookings/review/{review_pk}/visibility/", STAFF),
    Page("admin:payments_payment_refund", "/admin/payments/payment/{paid_pk}/refund/", STAFF),
    Page("admin:auth_user_password_change", "/admin/accounts/user/1/password/", STAFF),
]

# What staff type into an admin list's search box.
SEARCHES = {
    "accounts.user": ["{email}", "{name}"],
    "account.emailaddress": ["{email}"],
    "mfa.authenticator": ["{email}"],
    "auth.group": ["Support"],
    "mentors.mentor": ["{name}", "{mentor}"],
    "mentors.skill": ["Python"],
    "mentors.field": ["Field"],
    "mentors.language": ["English"],
    "bookings.booking": ["{paid}", "{email}", "{name}"],
    "bookings.review": ["{reviewed}"],
    "payments.payment": ["{order}", "{paid}", "{email}"],
    "payments.refund": ["{cancelled}"],
    "payments.dispute": ["{order}"],
    "payments.payout": ["{name}"],
    "payments.webhookevent": ["{order}"],
    "notifications.message": ["{paid}", "{email}"],
    "config.failingrow": ["SESSION-1"],
}
# Those of an admin list's filters that staff work by.
FILTERS = {
    "mentors.mentor": ["status__exact=applied"],
    "bookings.booking": ["status__exact=requested"],
    "payments.payment": ["attention=review", "attention=refund", "attention=event"],
    "payments.refund": ["attention=owed"],
    "payments.webhookevent": ["state=given_up"],
    "notifications.message": ["status__exact=failed"],
    "config.failingrow": ["state=open"],
}


def subjects() -> Iterator[Subject]:
    yield from site_subjects()
    yield from admin_subjects()


def site_subjects() -> Iterator[Subject]:
    yield from (page.subject for page in PAGES)
    yield Subject("provider: POST /payments/webhooks/stripe/", "webhook_stripe", _webhook)


def admin_subjects() -> Iterator[Subject]:
    for model, its_admin in admin.site._registry.items():
        yield from _admin(model, its_admin)


def names() -> set[str]:
    return {place.name for place in site_map.places()}


def _admin(model: type[Model], its_admin: "ModelAdmin[Model]") -> Iterator[Subject]:
    label = model._meta.label_lower
    url = f"/admin/{label.replace('.', '/')}/"
    part = f"admin:{label.replace('.', '_')}_"
    yield _staff_page(f"{part}changelist", url)
    yield from (_staff_page(f"{part}changelist", f"{url}?q={term}") for term in SEARCHES.get(label, []))
    yield from (_staff_page(f"{part}changelist", f"{url}?{term}") for term in FILTERS.get(label, []))
    yield _staff_page(f"{part}add", f"{url}add/")
    for page in ("change", "history", "delete"):
        path = f"{url}{{pk}}/{page}/"
        yield Subject(f"{STAFF}: {path}", f"{part}{page}", partial(_row_page, model, path))


def _staff_page(part: str, path: str) -> Subject:
    def prepare(world: World) -> Work:
        # Some pages of the admin are open to nobody.
        world.sign_in(STAFF)
        return partial(visit, world, STAFF, path.format(**world.facts), {200, 403})

    return Subject(f"{STAFF}: {path}", part, prepare)


def _row_page(model: type[Model], path: str, world: World) -> Work:
    world.sign_in(STAFF)
    return partial(visit, world, STAFF, path.format(pk=world.row(model).pk), {200, 403})


def unsearched() -> set[str]:
    """Models whose admin list has a search box, and nothing here to type into it."""
    request = RequestFactory().get("/")
    searched = (
        model._meta.label_lower
        for model, its_admin in admin.site._registry.items()
        if its_admin.get_search_fields(request)
    )
    return set(searched) - SEARCHES.keys()


def _webhook(world: World) -> Work:
    """Signed by its sender, and of a payment that is another app's: looked for in every way."""
    about = {"object": "checkout.session", "id": "cs_scale", "mode": "payment", "payment_intent": "pi_scale"}
    event = {
        "id": "evt_scale",
        "type": "checkout.session.completed",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": about | {"metadata": {"payment": "ORDER-0000000000"}}},
    }
    body = json.dumps(event)

    def post() -> None:
        now = int(time.time())
        signature = hmac.new(WEBHOOK_SECRET.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
        answer = world.client(NOBODY).post(
            "/payments/webhooks/stripe/",
            body,
            content_type="application/json",
            headers={"Stripe-Signature": f"t={now},v1={signature}"},
        )
        assert answer.status_code == 200, answer.status_code

    return post
