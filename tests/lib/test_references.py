import re

from bookings.models import session_reference
from lib.references import ALPHABET, new_reference


def test_a_reference_is_its_prefix_and_ten_letters_that_nobody_confuses():
    assert re.fullmatch(r"ORDER-[0-9A-HJKMNP-TV-Z]{10}", new_reference("ORDER"))
    assert re.fullmatch(r"SESSION-[0-9A-HJKMNP-TV-Z]{10}", session_reference())


def test_the_alphabet_is_crockfords_32_letters():
    assert len(set(ALPHABET)) == 32
    assert not set("ILOU") & set(ALPHABET)


def test_references_do_not_repeat():
    assert len({new_reference("SESSION") for _ in range(2_000)}) == 2_000
