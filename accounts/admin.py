from typing import Any

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa import admin as mfa_admin  # noqa: F401  (registers what is registered anew below)
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.forms import UserChangeForm as DjangoUserChangeForm
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts import services
from accounts.forms import PhoneField, TimeZoneField
from accounts.models import User
from accounts.signals import person_renamed
from lib.admin_lists import BoundedListAdmin


class PersonFields(forms.ModelForm[User]):
    time_zone = TimeZoneField(required=False)
    phone = PhoneField(required=False)

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists():
            raise ValidationError("Another person has this e-mail address.")
        return email


class UserAddForm(PersonFields, AdminUserCreationForm[User]):
    class Meta:
        model = User
        fields = ("email", "name", "time_zone", "clock_hours", "phone")


class UserChangeForm(PersonFields, DjangoUserChangeForm[User]):
    class Meta:
        model = User
        fields = "__all__"  # noqa: DJ007  (the admin's fieldsets say which)


@admin.register(User)
class UserAdmin(BoundedListAdmin, DjangoUserAdmin[User]):
    form = UserChangeForm
    add_form = UserAddForm
    list_display = ("email", "name", "is_mentor", "is_staff", "is_active", "date_joined")
    list_filter = ("is_active", "is_mentor", "is_staff", "is_superuser", "groups")
    search_fields = ("email", "name")
    ordering = ("-pk",)
    sortable_by = ("email",)
    readonly_fields = ("is_mentor", "last_login", "date_joined", "closed_at")
    actions = ("activate", "deactivate")
    fieldsets = (
        (None, {"fields": ("email", "name", "time_zone", "clock_hours", "phone", "password")}),
        (
            "May",
            {"fields": ("is_active", "is_mentor", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("When", {"fields": ("last_login", "date_joined", "closed_at")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "email",
                    "name",
                    "time_zone",
                    "clock_hours",
                    "phone",
                    "usable_password",
                    "password1",
                    "password2",
                ),
            },
        ),
    )

    # What only a superuser gives and takes.
    POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        readonly = list(super().get_readonly_fields(request, obj))
        return readonly if _rules(request) else [*readonly, *self.POWERS]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Whoever can set a person's password can act as that person: staff are changed by superusers alone.

        An account that its person has closed is changed by nobody.
        """
        if obj is not None and obj.closed_at:
            return False
        return super().has_change_permission(request, obj) and (_rules(request) or not _is_powerful(obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (_rules(request) or not _is_powerful(obj))

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm[User], change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "name" in form.changed_data:
            person_renamed.send(User, user=obj)
        if "email" in form.changed_data:
            services.vouch_for_email(obj)

    @admin.action(description="Deactivate: cannot sign in", permissions=["change"])
    def deactivate(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Sessions that are booked stay; whoever is signed in is so no longer."""
        others = _changeable(request, people).exclude(pk=request.user.pk or 0)
        self.message_user(request, f"{others.update(is_active=False)} deactivated.", messages.SUCCESS)

    @admin.action(description="Activate: can sign in again", permissions=["change"])
    def activate(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Not what its person has closed: nothing of them is left to sign in with."""
        done = _changeable(request, people).filter(closed_at=None).update(is_active=True)
        self.message_user(request, f"{done} activated.", messages.SUCCESS)


def _rules(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


def _is_powerful(person: User | None) -> bool:
    return person is not None and (person.is_staff or person.is_superuser)


def _changeable(request: HttpRequest, people: QuerySet[User]) -> QuerySet[User]:
    return people if _rules(request) else people.exclude(Q(is_staff=True) | Q(is_superuser=True))


class OfAPerson(BoundedListAdmin):
    """Rows that decide how a person signs in. Staff's are changed by superusers alone."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (
            _rules(request) or not _is_powerful_owner(obj)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (
            _rules(request) or not _is_powerful_owner(obj)
        )


def _is_powerful_owner(row: Any) -> bool:
    return row is not None and _is_powerful(row.user)


admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)


@admin.register(EmailAddress)
class EmailAddressAdmin(OfAPerson, AllauthEmailAddressAdmin):  # type: ignore[misc]
    search_help_text = "A whole address, or its person’s name or e-mail address"

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("=email", "user__email", "user__name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An address that is put beside another person's own opens that account."""
        return super().has_add_permission(request) and _rules(request)

    def get_readonly_fields(self, request: HttpRequest, obj: EmailAddress | None = None) -> tuple[str, ...]:
        return ("user",) if obj else ()

    @admin.action(description="Mark as confirmed", permissions=["change"])
    def make_verified(self, request: HttpRequest, queryset: QuerySet[EmailAddress]) -> None:
        rows = (
            queryset
            if _rules(request)
            else queryset.exclude(Q(user__is_staff=True) | Q(user__is_superuser=True))
        )
        super().make_verified(request, rows)


@admin.register(Authenticator)
class AuthenticatorAdmin(OfAPerson):
    """That a person has a second step, never its secret. Deleting it helps whoever has lost the phone."""

    fields = readonly_fields = ("user", "type", "created_at", "last_used_at")
    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        return False
