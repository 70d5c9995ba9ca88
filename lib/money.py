"""Money is an integer in the currency's minor unit beside its ISO 4217 code; here it becomes words."""

from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency, get_currency_name

# Digits after the point (ISO 4217). A currency that is not here is not traded on this site. ISK and UGX would need
# more than a line here: Stripe takes them as if they had two (https://docs.stripe.com/currencies#special-cases).
EXPONENTS = {
    "INR": 2, "USD": 2, "EUR": 2, "GBP": 2, "AUD": 2, "CAD": 2, "NZD": 2, "SGD": 2, "CHF": 2, "SEK": 2, "NOK": 2,
    "DKK": 2, "PLN": 2, "BRL": 2, "MXN": 2, "ZAR": 2, "AED": 2, "HKD": 2, "JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3,
}  # fmt: skip

# The least that can be charged, in minor units: what Stripe takes
# (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts), and for rupees Razorpay's one rupee.
LEAST_CHARGE = {
    "INR": 100, "USD": 50, "EUR": 50, "GBP": 50, "AUD": 50, "CAD": 50, "NZD": 50, "SGD": 50, "CHF": 50, "SEK": 300,
    "NOK": 300, "DKK": 250, "PLN": 200, "BRL": 50, "MXN": 1000, "AED": 200, "HKD": 400, "JPY": 50,
}  # fmt: skip
# What no session may cost, so that hours and fees stay far within an integer column.
MOST_CHARGE = 100_000_000


@lru_cache(4096)  # a page of earnings words a hundred amounts, and Babel reads its pattern anew for each
def format_money(minor: int, currency: str, *, full: bool = False) -> str:
    """`₹12,34,567.50`, `$75`; whole amounts lose their zeros unless `full`, as in a column of figures.

    Of a currency that is not traded here, which a provider may report all the same, only the unit is known in
    which it was reported: `HUF 105,000 in its smallest unit`.
    """
    if currency not in EXPONENTS:
        return f"{currency}\N{NO-BREAK SPACE}{minor:,} in its smallest unit"
    exponent = EXPONENTS[currency]
    amount = Decimal(minor).scaleb(-exponent)
    locale = "en_IN" if currency == "INR" else "en_US"
    text = format_currency(amount, currency, locale=locale).replace(currency, f"{currency}\N{NO-BREAK SPACE}")
    return text.removesuffix("." + "0" * exponent) if exponent and not full else text


def to_minor(amount: Decimal, currency: str) -> int:
    """Minor units of a typed amount. Raises ValueError when it has more digits than the currency.

    A currency that is not traded here is typed, as it is shown, in its smallest unit.
    """
    exponent = EXPONENTS.get(currency, 0)
    minor = amount.scaleb(exponent)
    if minor != minor.to_integral_value():
        raise ValueError(f"{currency} has {exponent} digits after the point")
    return int(minor)


def to_major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-EXPONENTS.get(currency, 0))


def step(currency: str) -> int:
    """What every amount that is charged or goes back is a multiple of, in minor units.

    Providers take three-decimal currencies with a last digit of 0 only
    (https://docs.stripe.com/currencies#three-decimal, https://razorpay.com/docs/api/orders/create/).
    """
    return 10 if EXPONENTS.get(currency) == 3 else 1


def unchargeable(price_minor: int, currency: str, *, minutes: int = 60) -> str:
    """Why no provider would take that price by the hour for so many minutes; empty when one would, or it is free."""
    if price_minor == 0:
        return ""
    if price_minor > MOST_CHARGE:
        return f"A price can't be more than {format_money(MOST_CHARGE, currency)}."
    if price_minor % step(currency):
        return f"The third digit after the point has to be 0 in {currency}."
    least = LEAST_CHARGE.get(currency, step(currency))
    if price_minor * minutes < least * 60:
        return f"The least that can be charged is {format_money(least, currency)} a session; 0 makes it free."
    return ""


def currency_choices() -> list[tuple[str, str]]:
    return [(code, f"{code}, {get_currency_name(code, locale='en')}") for code in EXPONENTS]
