from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.forms import UserChangeForm as DjangoUserChangeForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import services
from accounts.forms import PhoneField, TimeZoneField
from accounts.models import User


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
        fields = ("email", "name", "time_zone", "phone")


class UserChangeForm(PersonFields, DjangoUserChangeForm[User]):
    class Meta:
        model = User
        fields = "__all__"  # noqa: DJ007  (the admin's fieldsets say which)


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    form = UserChangeForm
    add_form = UserAddForm
    list_display = ("email", "name", "is_mentor", "is_staff", "is_active", "date_joined")
    list_filter = ("is_active", "is_mentor", "is_staff", "is_superuser", "groups")
    search_fields = ("email", "name")
    ordering = ("-date_joined",)
    readonly_fields = ("is_mentor", "last_login", "date_joined")
    actions = ("activate", "deactivate")
    fieldsets = (
        (None, {"fields": ("email", "name", "time_zone", "phone", "password")}),
        (
            "May",
            {"fields": ("is_active", "is_mentor", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("When", {"fields": ("last_login", "date_joined")}),
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
                    "phone",
                    "usable_password",
                    "password1",
                    "password2",
                ),
            },
        ),
    )

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm[User], change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            services.vouch_for_email(obj)

    @admin.action(description="Deactivate: cannot sign in", permissions=["change"])
    def deactivate(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Sessions that are booked stay; whoever is signed in is so no longer."""
        others = people.exclude(pk=request.user.pk or 0)
        self.message_user(request, f"{others.update(is_active=False)} deactivated.", messages.SUCCESS)

    @admin.action(description="Activate: can sign in again", permissions=["change"])
    def activate(self, request: HttpRequest, people: QuerySet[User]) -> None:
        self.message_user(request, f"{people.update(is_active=True)} activated.", messages.SUCCESS)
