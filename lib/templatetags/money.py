from django import template

from lib.money import format_money

register = template.Library()
register.filter("money", format_money)


@register.filter
def money_full(minor: int, currency: str) -> str:
    return format_money(minor, currency, full=True)
