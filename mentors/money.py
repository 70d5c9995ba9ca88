"""Money is an integer in the currency's minor unit beside its ISO 4217 code; here it becomes words."""

from decimal import Decimal

from babel.numbers import format_currency, get_currency_name

# Digits after the point (ISO 4217). A currency that is not here is not traded on this site.
EXPONENTS = {
    "INR": 2, "USD": 2, "EUR": 2, "GBP": 2, "AUD": 2, "CAD": 2, "NZD": 2, "SGD": 2, "CHF": 2, "SEK": 2, "NOK": 2,
    "DKK": 2, "PLN": 2, "BRL": 2, "MXN": 2, "ZAR": 2, "AED": 2, "HKD": 2, "JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3,
}  # fmt: skip


def format_money(minor: int, currency: str, *, full: bool = False) -> str:
    """`₹12,34,567.50`, `$75`; whole amounts lose their zeros unless `full`, as in a column of figures."""
    exponent = EXPONENTS[currency]
    amount = Decimal(minor).scaleb(-exponent)
    locale = "en_IN" if currency == "INR" else "en_US"
    text = format_currency(amount, currency, locale=locale)
    return text.removesuffix("." + "0" * exponent) if exponent and not full else text


def to_minor(amount: Decimal, currency: str) -> int:
    """Minor units of a typed amount. Raises ValueError when it has more digits than the currency."""
    minor = amount.scaleb(EXPONENTS[currency])
    if minor != minor.to_integral_value():
        raise ValueError(f"{currency} has {EXPONENTS[currency]} digits after the point")
    return int(minor)


def to_major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-EXPONENTS[currency])


def currency_choices() -> list[tuple[str, str]]:
    return [(code, f"{code}, {get_currency_name(code, locale='en')}") for code in EXPONENTS]
