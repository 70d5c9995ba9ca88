from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from accounts.views import password_change, password_set
from config import staff
from config.health import healthz
from config.models import PlainPage
from config.sitemaps import sitemap_index, sitemap_section
from config.views import media, plain_page, robots, security_txt, styleguide

admin.site.site_header = admin.site.site_title = settings.SITE_NAME
admin.site.index_title = "Staff"
# Staff sign in on the site's own page, with its rate limits and second factor.
admin.site.has_permission = staff.may_enter  # type: ignore[method-assign]
admin.site.index = staff.front_page  # type: ignore[method-assign]
admin.site.login = secure_admin_login(staff.set_up_two_steps)  # type: ignore[method-assign]

handler429 = "lib.ratelimit.too_many_requests"  # allauth's name and use
handler500 = "config.error_pages.server_error"

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("sitemap.xml", sitemap_index, name="sitemap"),
    path("sitemap-<slug:section>.xml", sitemap_section, name="sitemap_section"),
    path("robots.txt", robots, name="robots"),
    path("styleguide/", styleguide, name="styleguide"),
    path(".well-known/security.txt", security_txt, name="security_txt"),
    *(path(f"{page}/", plain_page, {"slug": page}, name=page) for page in PlainPage.Slug.values),
    path("admin/find/", admin.site.admin_view(staff.find), name="staff_find"),
    path("admin/", admin.site.urls),
    path("media/<path:path>", media, name="media"),
    # In place of allauth's, which ask for less.
    path("accounts/password/change/", password_change, name="account_change_password"),
    path("accounts/password/set/", password_set, name="account_set_password"),
    path("accounts/", include("allauth.urls")),
    path("", include("accounts.urls")),
    path("", include("payments.urls")),
    path("", include("bookings.urls")),
    path("", include("mentors.urls")),
]
