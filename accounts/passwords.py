"""Django's checks of a new password, in words that say what to do."""

from django.contrib.auth import password_validation as checks


class NotLikeYou(checks.UserAttributeSimilarityValidator):
    def get_error_message(self) -> str:
        return "Choose a password that is less like your %(verbose_name)s."


class LongEnough(checks.MinimumLengthValidator):
    def get_error_message(self) -> str:
        return f"Choose a password of at least {self.min_length} characters."


class NotCommon(checks.CommonPasswordValidator):
    def get_error_message(self) -> str:
        return "Choose another password: many people use this one, and it is the first to be tried."


class NotDigitsOnly(checks.NumericPasswordValidator):
    def get_error_message(self) -> str:
        return "Choose a password that is not digits only."
