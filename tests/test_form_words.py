"""No form says what Django would say by itself: each message says what to do."""

import ast
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import django
import pytest
from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.password_validation import get_default_password_validators
from django.core import validators
from django.core.exceptions import ValidationError
from django.forms.formsets import BaseFormSet
from django.urls import get_resolver

from accounts.models import User
from bookings.forms import ConfirmForm
from mentors.forms.rules import RulesForm

pytestmark = pytest.mark.once

WHERE = (
    *("forms/fields.py", "forms/models.py", "forms/formsets.py", "core/validators.py"),
    *("contrib/auth/password_validation.py", "db/models/fields/__init__.py"),
)
TRANSLATED = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"}
OUR_APPS = ("accounts", "mentors", "bookings", "payments", "notifications", "config")


def messages_of_django() -> set[str]:
    """Every text that its forms and validators would have translated."""
    trees = [ast.parse((Path(django.__file__).parent / each).read_text()) for each in WHERE]
    calls = (each for tree in trees for each in ast.walk(tree) if isinstance(each, ast.Call))
    return {
        argument.value
        for call in calls
        if getattr(call.func, "id", "") in TRANSLATED
        for argument in call.args
        if isinstance(argument, ast.Constant) and " " in str(argument.value)
    }


def every_form() -> Iterator[type[forms.BaseForm]]:
    """Those of the site, loaded by its addresses, and those of admin for our models."""
    get_resolver().url_patterns  # noqa: B018  # loads every view
    waiting: list[type[forms.BaseForm]] = [forms.BaseForm]
    while waiting:
        form = waiting.pop()
        waiting += form.__subclasses__()
        if form.__module__.startswith(OUR_APPS):
            yield form
    for model, shown in admin.site._registry.items():
        if model._meta.app_label in OUR_APPS:
            yield shown.form


def said_by(field: forms.Field) -> set[str]:
    found = {str(message) for message in field.error_messages.values()}
    for validator in field.validators:
        texts = getattr(validator, "messages", None) or {"": getattr(validator, "message", "")}
        found |= {str(text) for text in texts.values()}
    return found


def test_no_field_of_any_form_speaks_as_django_does() -> None:
    django_says = messages_of_django()
    assert "This field is required." in django_says
    found = set(every_form())
    assert len(found) > 30
    spoken = {
        f"{form.__name__}.{name}: {words}"
        for form in found
        for name, field in getattr(form, "base_fields", {}).items()
        for words in said_by(field) & django_says
    }
    assert spoken == set()
    assert not {str(each) for each in BaseFormSet.default_error_messages.values()} & django_says


def test_no_kind_of_field_that_a_form_may_get_speaks_so() -> None:
    django_says = messages_of_django()
    kinds = [
        each for each in vars(forms).values() if isinstance(each, type) and issubclass(each, forms.Field)
    ]
    for kind in kinds:
        spoken = {str(each) for each in getattr(kind, "default_error_messages", {}).values()}
        assert not spoken & django_says, kind
    for model in apps.get_models():
        if model._meta.app_label in OUR_APPS:
            for column in model._meta.concrete_fields:
                assert not {str(each) for each in column.error_messages.values()} & {
                    "This field cannot be blank.",
                    "This field cannot be null.",
                    "%(model_name)s with this %(field_label)s already exists.",
                }, column


def test_no_check_of_a_password_speaks_so() -> None:
    user = User(email="nadia@example.com", name="Nadia Kolade")
    said = []
    for password in ("short", "password", "12345678901", "nadia@example.com"):
        for check in get_default_password_validators():
            try:
                check.validate(password, user)
            except ValidationError as error:
                said += error.messages
    assert len(set(said)) == 4
    assert all(words.startswith("Choose ") for words in said)


@pytest.mark.parametrize(
    ("validator", "value", "words"),
    [
        (validators.MaxLengthValidator(3), "four", "Write at most 3 characters; this is 4 long."),
        (validators.MinValueValidator(1), 0, "Write 1 or more."),
        (validators.DecimalValidator(4, 2), "12345", "Write at most 4 digits."),
        (validators.validate_email, "nia", "Write a whole e-mail address, as in nia@example.com."),
    ],
)
def test_figures_stand_in_the_words(validator: object, value: object, words: str) -> None:
    given = Decimal(value) if isinstance(validator, validators.DecimalValidator) else value
    with pytest.raises(ValidationError) as refused:
        validator(given)  # type: ignore[operator]
    assert refused.value.messages == [words]


def test_a_form_says_what_to_write() -> None:
    topic = ConfirmForm({"topic": "x" * 201}).errors["topic"]
    assert topic == ["Write what you want to talk about, up to 200 characters."]
    rules = RulesForm({"window_days": "99", "slot_interval_minutes": "7", "buffer_minutes": ""}).errors
    assert rules["window_days"] == ["Write 60 or less."]
    assert rules["slot_interval_minutes"] == ["Choose one from the list."]
    assert rules["buffer_minutes"] == ["Fill this in."]
