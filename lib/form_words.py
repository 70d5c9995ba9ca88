"""What forms say when something is wrong: what to do, not what rule was broken.

In place of Django's own messages, for every form of the site, those of libraries included. A field that can say it
better has `error_messages` of its own.
"""

from typing import Any

from django import forms
from django.core import validators
from django.db import models
from django.forms.formsets import BaseFormSet

NOT_IN_LIST = "Choose one from the list."
NOT_ALL_IN_LIST = "Choose from the list only."
NUMBER = "Write a number, as in 12.50."
DATE = "Write a date that exists, as in 2026-11-30."
TIME = "Write a time, as in 09:30."
DATE_AND_TIME = "Write a date and a time, as in 2026-11-30 09:30."

Messages = dict[str, Any]

FIELDS: dict[type[forms.Field], Messages] = {
    forms.Field: {"required": "Fill this in."},
    forms.IntegerField: {"invalid": "Write a whole number, as in 15."},
    forms.FloatField: {"invalid": NUMBER},
    forms.DecimalField: {"invalid": NUMBER},
    forms.DateField: {"invalid": DATE},
    forms.TimeField: {"invalid": TIME},
    forms.DateTimeField: {"invalid": DATE_AND_TIME},
    forms.SplitDateTimeField: {"invalid_date": DATE, "invalid_time": TIME},
    forms.DurationField: {
        "invalid": "Write a length of time, as in 01:30:00.",
        "overflow": "Write between {min_days} and {max_days} days.",
    },
    forms.BooleanField: {"required": "Tick this to go on."},
    forms.FileField: {
        "required": "Choose a file.",
        "invalid": "Choose the file again; it did not come with the form.",
        "missing": "Choose a file.",
        "empty": "Choose another file: this one is empty.",
        "max_length": "Give the file a name of at most %(max)d characters.",
        "contradiction": "Either choose a file or take the old one away, not both.",
    },
    forms.ImageField: {"invalid_image": "Choose another picture: this one can't be read."},
    forms.URLField: {"invalid": "Write a whole address, as in https://example.com."},
    forms.ChoiceField: {"required": "Choose one.", "invalid_choice": NOT_IN_LIST},
    forms.MultipleChoiceField: {
        "required": "Choose at least one.",
        "invalid_choice": NOT_ALL_IN_LIST,
        "invalid_list": NOT_ALL_IN_LIST,
    },
    forms.ModelChoiceField: {"required": "Choose one.", "invalid_choice": NOT_IN_LIST},
    forms.ModelMultipleChoiceField: {
        "required": "Choose at least one.",
        "invalid_choice": NOT_ALL_IN_LIST,
        "invalid_list": NOT_ALL_IN_LIST,
        "invalid_pk_value": NOT_ALL_IN_LIST,
    },
    forms.models.InlineForeignKeyField: {
        "invalid_choice": "Reload the page: it belongs to something else by now."
    },
    forms.MultiValueField: {"invalid": NOT_ALL_IN_LIST, "incomplete": "Fill in every part."},
    forms.UUIDField: {"invalid": "Write a UUID: 32 digits and the letters a to f."},
    forms.JSONField: {"invalid": "Write JSON, as in [30, 60]."},
}

VALIDATORS: dict[type[Any], str] = {
    validators.RegexValidator: "Write this in the form that is asked for.",
    validators.EmailValidator: "Write a whole e-mail address, as in nia@example.com.",
    validators.URLValidator: "Write a whole address, as in https://example.com.",
    validators.DomainNameValidator: "Write a domain, as in example.com.",
    validators.MaxValueValidator: "Write %(limit_value)s or less.",
    validators.MinValueValidator: "Write %(limit_value)s or more.",
    validators.StepValueValidator: "Write a multiple of %(limit_value)s.",
    validators.MaxLengthValidator: "Write at most %(limit_value)d characters; this is %(show_value)d long.",
    validators.MinLengthValidator: "Write at least %(limit_value)d characters; this is %(show_value)d long.",
    validators.ProhibitNullCharactersValidator: "Take out the character that can't be shown.",
    validators.FileExtensionValidator: "Choose a file of one of these kinds: %(allowed_extensions)s.",
}

DECIMALS: Messages = {
    "invalid": NUMBER,
    "max_digits": "Write at most %(max)s digits.",
    "max_decimal_places": "Write at most %(max)s digits after the point.",
    "max_whole_digits": "Write at most %(max)s digits before the point.",
}

SLUG = "Use letters, digits, hyphens and underscores only."

COLUMNS: dict[type[models.Field[Any, Any]], Messages] = {
    models.Field: {
        "invalid_choice": NOT_IN_LIST,
        "null": "Fill this in.",
        "blank": "Fill this in.",
        "unique": "Choose another: this %(field_label)s is taken.",
        "unique_for_date": "Choose another: this %(field_label)s is taken for that %(date_field_label)s.",
    },
}

FORMSETS: Messages = {
    "missing_management_form": "Reload the page and try again: a part of the form did not arrive.",
    "too_many_forms": "Send at most %(num)d lines.",
    "too_few_forms": "Send at least %(num)d lines.",
}


def use_our_words() -> None:
    """Once, before any form is made."""
    for field, messages in FIELDS.items():
        field.default_error_messages = {**vars(field).get("default_error_messages", {}), **messages}
    for column, messages in COLUMNS.items():
        column.default_error_messages = {**vars(column).get("default_error_messages", {}), **messages}
    for validator, message in VALIDATORS.items():
        validator.message = message
    validators.DecimalValidator.messages = DECIMALS
    validators.validate_slug.message = validators.validate_unicode_slug.message = SLUG
    BaseFormSet.default_error_messages = FORMSETS
