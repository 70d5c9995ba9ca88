from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef

from lib.zones import parse_zone, zone_choices
from mentors.models import Facet, Language, Mentor, Skill
from mentors.photos import BadPhoto, Photo, read_photo

MAX_SKILLS = 12
SKILL_LENGTH = 60


class PhotoField(forms.FileField):
    """Cleans to a `Photo`, or to None."""

    widget = forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"})

    def clean(self, data: Any, initial: Any = None) -> Photo | None:
        upload = super().clean(data, initial)
        if not upload:
            return None
        try:
            return read_photo(upload, upload.size)
        except BadPhoto as error:
            raise ValidationError(str(error)) from error


class ChosenOrTyped(forms.MultipleChoiceField):
    """Asked for together with what is typed beside it; the form refuses when there is neither."""

    def validate(self, value: list[str]) -> None:
        for each in value:
            if not self.valid_value(each):
                raise ValidationError(self.error_messages["invalid_choice"], params={"value": each})


class ApplicationForm(forms.ModelForm[Mentor]):
    """What students see of a mentor. It only reads what was typed; services write it."""

    skills = ChosenOrTyped(widget=forms.CheckboxSelectMultiple)
    other_skills = forms.CharField(
        required=False,
        max_length=400,
        help_text="What is not in the list, separated by commas.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    languages = forms.ModelMultipleChoiceField(
        label="Languages you speak", queryset=Language.objects.all(), widget=forms.CheckboxSelectMultiple
    )
    time_zone = forms.ChoiceField(
        label="Time zone",
        choices=zone_choices,
        help_text="The zone in which you set your hours. Students see your times in theirs.",
    )
    photo = PhotoField(
        required=False, help_text="JPEG, PNG or WebP, up to 5 MB. Without one we draw your initials."
    )

    class Meta:
        model = Mentor
        fields: tuple[str, ...] = ("headline", "bio")
        labels = {"bio": "About you"}
        help_texts = {
            "headline": "One line under your name, as in “Staff engineer at a payments company, 14 years”.",
            "bio": "What you have done, and what a session with you is good for.",
        }
        widgets = {"bio": forms.Textarea(attrs={"rows": 7})}
        error_messages = {
            "headline": {
                "required": "Write one line about yourself, up to 120 characters.",
                "max_length": "Write one line about yourself, up to 120 characters.",
            },
            "bio": {
                "required": "Write what you have done and what you can help with.",
                "max_length": "Write what you have done and what you can help with, up to 4,000 characters.",
            },
        }

    field_order: tuple[str, ...] = (
        "headline",
        "bio",
        "skills",
        "other_skills",
        "languages",
        "time_zone",
        "photo",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = Facet.objects.filter(kind=Facet.Kind.SKILL).values_list("label", flat=True)
        own = self.instance.skills.all() if self.instance.pk else Skill.objects.none()
        mine = {skill.name for skill in own}
        names = sorted({*known} | mine, key=lambda name: (name not in mine, name.casefold()))
        cast(forms.MultipleChoiceField, self.fields["skills"]).choices = [(name, name) for name in names]
        if not names:
            del self.fields["skills"]
            self.fields["other_skills"].label = "Skills"
            self.fields["other_skills"].help_text = "What you can help with, separated by commas."

    def clean_other_skills(self) -> list[str]:
        names = [" ".join(name.split()) for name in self.cleaned_data["other_skills"].split(",")]
        if long := next((name for name in names if len(name) > SKILL_LENGTH), None):
            raise ValidationError(f"“{long[:30]}…” is too long for a skill. Separate skills by commas.")
        return [name for name in names if name]

    def clean(self) -> dict[str, Any]:
        """`skill_names` holds the chosen and the typed ones."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        typed = data.get("other_skills", [])
        names = {name.casefold(): name for name in (*typed, *data.get("skills", []))}
        data["skill_names"] = list(names.values())
        field = "skills" if "skills" in self.fields else "other_skills"
        if not names and field not in self.errors and "other_skills" not in self.errors:
            self.add_error(field, "Name at least one skill.")
        elif len(names) > MAX_SKILLS:
            self.add_error(field, f"Choose at most {MAX_SKILLS} skills, those you are best at.")
        return data

    def values(self) -> dict[str, Any]:
        """The arguments that `apply` and `update_profile` share."""
        data = self.cleaned_data
        shared = {name: data[name] for name in ("headline", "bio", "languages", "time_zone")}
        return {**shared, "skills": data["skill_names"]}


class ProfileForm(ApplicationForm):
    remove_photo = forms.BooleanField(label="Remove the photo", required=False)

    class Meta(ApplicationForm.Meta):
        fields = (*ApplicationForm.Meta.fields, "cancellation_policy", "is_paused")
        labels = {**ApplicationForm.Meta.labels, "is_paused": "Pause my profile"}
        help_texts = {
            **ApplicationForm.Meta.help_texts,
            "cancellation_policy": "What students get back when they cancel. Booked sessions keep the policy they had.",
            "is_paused": "You are not listed and can't be booked until you switch this off. Booked sessions stay.",
        }

    field_order = (
        *("headline", "bio", "skills", "other_skills", "languages", "photo", "remove_photo"),
        *("time_zone", "cancellation_policy", "is_paused"),
    )

    def __init__(self, *args: Any, instance: Mentor, **kwargs: Any) -> None:
        initial = {
            "skills": [skill.name for skill in instance.skills.all()],
            "languages": instance.languages.all(),
            "time_zone": parse_zone(instance.time_zone),
        }
        super().__init__(*args, instance=instance, initial=initial, **kwargs)
        self.fields["time_zone"].help_text = (
            "The zone in which you set your hours. When you change it, your hours keep what the clock says, "
            "in the new zone. Booked sessions stay at the moment they were booked for."
        )
        spoken = Exists(instance.languages.filter(pk=OuterRef("pk")))
        languages = Language.objects.annotate(spoken=spoken).order_by("-spoken", "name")
        cast(forms.ModelMultipleChoiceField[Language], self.fields["languages"]).queryset = languages
        if not instance.photo:
            del self.fields["remove_photo"]

    def values(self) -> dict[str, Any]:
        own = {name: self.cleaned_data[name] for name in ("cancellation_policy", "is_paused")}
        return {**super().values(), **own}
