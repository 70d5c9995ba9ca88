"""References that people read out and nobody can guess."""

import secrets

# Crockford's base 32: no I, L, O or U. https://www.crockford.com/base32.html
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_reference(prefix: str, length: int = 10) -> str:
    """`SESSION-7KQ2M9XA4T`: 50 random bits behind the prefix."""
    return f"{prefix}-{''.join(secrets.choice(ALPHABET) for _ in range(length))}"
