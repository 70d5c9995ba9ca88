from django import template

from lib.money import format_money

register = template.Library()


@register.filter
def money(minor: int, currency: str) -> str:
    return format_money(minor, currency)


@register.filter
def money_full(minor: int, currency: str) -> str:
    return format_money(minor, currency, full=True)
