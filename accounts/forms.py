import re
from typing import Any, ClassVar, TypeVar

from allauth.account import forms as account_forms
from allauth.account.adapter import get_adapter
from allauth.account.utils import passthrough_next_redirect_url
from allauth.core import context as current
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.totp import forms as totp_forms
from django import forms
from django.contrib import messages
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.entry import codes_are_asked
from accounts.models import ClockHours, User
from accounts.services import find_person
from accounts.signals import person_renamed
from lib.names import validate_name
from lib.zones import find_zone, parse_zone, zone_choices

F = TypeVar("F", bound=forms.Form)


class TimeZoneField(forms.ChoiceField):
    """Knows the old names too, and cities; cleans to the zone's present name."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "required": "Choose a time zone.",
        "invalid_choice": "“%(value)s” is not a time zone we know. Choose one from the list.",
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "Time zone")
        super().__init__(choices=[("", "Choose the city nearest to you"), *zone_choices()], **kwargs)

    def prepare_value(self, value: Any) -> Any:
        zone = parse_zone(value) if isinstance(value, str) else None
        return zone.key if zone else value

    def to_python(self, value: Any) -> str:
        words = super().to_python(value)[:200]
        zone = find_zone(words) if words else None
        return zone.key if zone else words


class ClockHoursField(forms.TypedChoiceField):
    """12 or 24; nothing when it is left open."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="Clock",
            choices=ClockHours.choices,
            widget=forms.RadioSelect,
            coerce=int,
            empty_value=None,
            required=False,
            **kwargs,
        )


class PhoneField(forms.CharField):
    """Cleans to E.164: a plus, the country code and the number, digits only."""

    widget = forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"})

    def to_python(self, value: Any) -> str:
        number = re.sub(r"[\s().\-/]", "", super().to_python(value) or "")
        return re.sub(r"^00", "+", number)

    def validate(self, value: str) -> None:
        super().validate(value)
        if value and not re.fullmatch(r"\+[1-9]\d{6,14}", value, re.ASCII):
            raise ValidationError("Write the number with its country code, as in +91 98765 43210.")


class TimeZoneForm(forms.Form):
    """Of the two, what is given is changed."""

    time_zone = TimeZoneField(required=False)
    clock_hours = ClockHoursField()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not data["time_zone"] and not data["clock_hours"]:
            self.add_error("time_zone", TimeZoneField.default_error_messages["required"])
        return data


class SettingsForm(forms.ModelForm[User]):
    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    time_zone = TimeZoneField(
        required=False, help_text="All times on the site and in your mail are shown in it."
    )
    clock_hours = ClockHoursField()
    phone = PhoneField(
        required=False,
        help_text="With the country code. It is for messages about your sessions; so far all of them go by e-mail.",
    )

    class Meta:
        model = User
        fields = ("name", "time_zone", "clock_hours", "phone")

    def save(self, commit: bool = True) -> User:
        if commit:
            with transaction.atomic():
                self.instance.save(update_fields=self.Meta.fields)
                if "name" in self.changed_data:
                    person_renamed.send(User, user=self.instance)
        return self.instance


class PlainWords:
    """Allauth's forms in the site's words, without placeholders that say the label again."""

    fields: dict[str, forms.Field]

    LABELS = {
        "login": "E-mail address",
        "email": "E-mail address",
        "password": "Password",
        "oldpassword": "Current password",
        "password1": "Password",
        "password2": "Password again",
    }
    HINTS = {"password": "", "oldpassword": "", "password1": "At least 8 characters, and not digits only."}
    CODE = {"class": "control--code", "autocapitalize": "characters", "spellcheck": "false"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = self.LABELS.get(name, field.label)
            field.help_text = self.HINTS.get(name, field.help_text)
            field.widget.attrs.pop("placeholder", None)
            if isinstance(field, forms.EmailField):
                field.validators.append(MaxLengthValidator(254))
            if name == "code":
                field.widget.attrs |= self.CODE


class SignupForm(PlainWords, account_forms.SignupForm):  # type: ignore[misc]
    name = forms.CharField(
        label="Your name",
        max_length=120,
        validators=[validate_name],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    time_zone = TimeZoneField(
        required=False,
        help_text="All times are shown in it. Please check that it is yours; you can change it later.",
    )
    field_order = ("name", "email", "password1", "password2", "time_zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cookies = current.request.COOKIES
        self.fields["time_zone"].initial = cookies.get("tz") or cookies.get("tz_detected")

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """An address that was taken a moment ago, mostly by the first press of this very button, is no failure."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])  # or else the answer's time would tell
        else:
            try:
                with transaction.atomic():
                    return self.save(request), None
            except IntegrityError:
                pass
        try:
            self.validate_unique_email(self.cleaned_data["email"])
        except ValidationError as taken:
            messages.error(request, taken.message)
            return None, redirect(passthrough_next_redirect_url(request, reverse("account_login"), "next"))
        answer: tuple[User | None, HttpResponse | None] = super().try_save(request)
        return answer


class EntryForm(forms.Form):
    """Who somebody is that we may or may not know: the address decides, and nobody is told."""

    name = forms.CharField(
        label="Name",
        max_length=120,
        validators=[validate_name],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Write your name, so that the mentor knows who comes."},
    )
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": "Write your e-mail address: the session’s link goes there.",
            "invalid": "Write the whole address, as in nia@example.com.",
        },
    )
    password = forms.CharField(
        label="Password",
        required=False,
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 8 characters, for the next time. Without one we mail you a code.",
    )

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if not codes_are_asked() and find_person(email):
            raise ValidationError(
                "There is an account with this address already. Press “I have an account” beside “You”."
            )
        return email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        person = User(email=cleaned.get("email", ""), name=cleaned.get("name", ""))
        if password := cleaned.get("password"):
            try:
                get_adapter().clean_password(password, user=person)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned

    def facts(self) -> dict[str, str]:
        """As `accounts.entry` takes them; a password is hashed, whoever it is for."""
        password = self.cleaned_data["password"]
        return {
            "email": self.cleaned_data["email"],
            "name": self.cleaned_data["name"],
            "password": make_password(password) if password else "",
        }


def plain(form: type[F], **words: dict[str, str]) -> type[F]:
    """That form in plain words; `words` overrides `LABELS`, `HINTS` or `CODE`."""
    changed = {name: {**getattr(PlainWords, name), **value} for name, value in words.items()}
    return type(form.__name__, (PlainWords, form), {"__module__": __name__, **changed})


class BothStepsForm(mfa_forms.ReauthenticateForm):  # type: ignore[misc]
    """The password and a code at once: neither alone says that it is still the same person."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.user.has_usable_password():
            self.fields["password"] = account_forms.PasswordField(
                label="Password", autocomplete="current-password"
            )
            self.order_fields(["password", "code"])

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("incorrect_password")
        return password

    def clean_code(self) -> str:
        if "password" in self.errors:
            return ""  # a code works once, and is not used up for nothing
        code: str = super().clean_code()
        return code


NEW_PASSWORD = {"password1": "New password", "password2": "New password again"}
DIGITS = {"inputmode": "numeric"}

LoginForm = plain(account_forms.LoginForm)
RequestLoginCodeForm = plain(account_forms.RequestLoginCodeForm)
ConfirmLoginCodeForm = plain(account_forms.ConfirmLoginCodeForm)
ConfirmEmailForm = plain(account_forms.ConfirmEmailVerificationCodeForm)
CorrectEmailForm = plain(account_forms.ChangeEmailForm)
ChangeEmailForm = plain(account_forms.AddEmailForm, LABELS={"email": "New e-mail address"})
ResetPasswordForm = plain(account_forms.ResetPasswordForm)
ResetPasswordKeyForm = plain(account_forms.ResetPasswordKeyForm, LABELS=NEW_PASSWORD)
ChangePasswordForm = plain(account_forms.ChangePasswordForm, LABELS=NEW_PASSWORD)
SetPasswordForm = plain(account_forms.SetPasswordForm)
ReauthenticateForm = plain(account_forms.ReauthenticateForm)
AuthenticateForm = plain(mfa_forms.AuthenticateForm, CODE=DIGITS)
ReauthenticateByCodeForm = plain(
    BothStepsForm, HINTS={"code": "From the app on your phone, or a recovery code."}, CODE=DIGITS
)
ActivateTOTPForm = plain(totp_forms.ActivateTOTPForm, LABELS={"code": "Code from the app"}, CODE=DIGITS)
