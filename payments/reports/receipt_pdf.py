"""A receipt as an A4 page. The same receipt is the same bytes, whenever it is drawn."""

import unicodedata
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from lib import fonts
from payments.reports.receipts import Party, Receipt

FACES = {"": fonts.REGULAR, "B": fonts.BOLD}
INK, QUIET, LINE, ACCENT = (27, 33, 41), (90, 97, 107), (220, 216, 206), (19, 84, 63)
MARGIN, WIDTH, AMOUNT_WIDTH, GAP = 20, 170, 45, 6
MARK = 7


def draw(receipt: Receipt) -> bytes:
    page = _Page(receipt)
    page.head()
    page.parties()
    page.session()
    page.amounts()
    page.refunds()
    page.payment()
    return bytes(page.output())


class _Page(FPDF):
    def __init__(self, receipt: Receipt) -> None:
        super().__init__(format="A4")
        self.receipt = receipt
        for style, name in FACES.items():
            self.add_font("Noto", style, name)
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(auto=True, margin=30)
        self.set_title(f"Receipt {receipt.number}")
        self.set_author(printable(receipt.site_name, otherwise=receipt.site_url))
        self.set_lang("en")
        self.set_creation_date(receipt.paid_at)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-22)
        self._rule()
        self.ln(3)
        about = f"{self.receipt.site_url}  ·  {self.receipt.support_email}"
        self._text(about, size=8, color=QUIET, width=WIDTH - 20, next_line=False)
        self._text(f"{self.page_no()}", size=8, color=QUIET, width=20, align="R")

    def head(self) -> None:
        receipt = self.receipt
        self._mark()
        name = printable(receipt.site_name, otherwise=receipt.site_url)
        self._text(name, size=13, bold=True, x=MARGIN + MARK + 2.5, width=WIDTH - MARK - 2.5)
        self.ln(8)
        self._text("Receipt", size=26, bold=True)
        self.ln(1)
        self._text(receipt.number, size=10, color=QUIET)
        self._text(f"Paid on {receipt.paid_date}, {receipt.paid_zone}", size=10, color=QUIET)
        self.ln(GAP)

    def _mark(self) -> None:
        """As `lib.drawings` draws it on pages, beside the name that follows."""
        left, top, unit = MARGIN, self.get_y(), MARK / 32
        with self.local_context(draw_color=ACCENT, line_width=3.8 * unit):
            self.circle(left + 16 * unit, top + 16 * unit, 13 * unit)
            hands = [(left + x * unit, top + y * unit) for x, y in ((16, 8.5), (16, 16), (21, 19.6))]
            self.polyline(hands)

    def parties(self) -> None:
        top = self.get_y()
        self._party("Paid by", self.receipt.student, MARGIN)
        bottom = self.get_y()
        self.set_y(top)
        self._party("Session with", self.receipt.mentor, MARGIN + WIDTH / 2)
        self.set_y(max(bottom, self.get_y()))
        self.ln(GAP)

    def session(self) -> None:
        receipt = self.receipt
        self._title("Session")
        self._text(printable(receipt.session_name, otherwise="One-to-one session"), bold=True)
        self._text(f"{receipt.session_date}, {receipt.session_hours}")
        self._text(f"{receipt.session_duration}  ·  {receipt.session_reference}", color=QUIET)
        self.ln(GAP)

    def amounts(self) -> None:
        receipt = self.receipt
        self._title("Amount")
        self._amount("Session", receipt.price)
        self._amount("Platform fee", receipt.fee)
        self._amount("Total paid", receipt.total, bold=True)
        if receipt.tax_line:
            self._text(printable(receipt.tax_line, otherwise=receipt.tax_line), size=9, color=QUIET)
        self.ln(GAP)

    def refunds(self) -> None:
        receipt = self.receipt
        if not (receipt.refunds or receipt.charged_back):
            return
        self._title("Refunds")
        for refund in receipt.refunds:
            note = f"{refund.reason}  ·  {refund.date}  ·  {refund.reference}"
            self._amount(refund.label, refund.amount, note=note)
        if receipt.charged_back:
            self._amount("Returned through your bank", receipt.charged_back)
        self._amount("Paid after refunds", receipt.kept, bold=True)
        self.ln(GAP)

    def payment(self) -> None:
        receipt = self.receipt
        self._title("Payment")
        for label, value in (
            ("Paid with", receipt.gateway),
            ("Payment ID", receipt.payment_id),
            ("Order", receipt.order),
        ):
            if value:
                self._text(label, color=QUIET, width=30, next_line=False)
                self._text(value, width=WIDTH - 30)

    def _party(self, title: str, party: Party, x: float) -> None:
        width = WIDTH / 2 - GAP
        self._title(title, x=x, width=width)
        if name := printable(party.name, otherwise=""):
            self._text(name, bold=True, x=x, width=width)
        self._text(party.contact, size=9, color=QUIET, x=x, width=width)

    def _title(self, words: str, *, x: float = MARGIN, width: float = WIDTH) -> None:
        self._text(words, size=9, bold=True, color=ACCENT, x=x, width=width)
        self.ln(1)

    def _amount(self, label: str, amount: str, *, bold: bool = False, note: str = "") -> None:
        size = 13 if bold else 10
        self._rule()
        self.ln(1.5)
        self._text(label, size=size, bold=bold, width=WIDTH - AMOUNT_WIDTH, next_line=False)
        self._text(amount, size=size, bold=bold, width=AMOUNT_WIDTH, align="R")
        if note:
            self._text(note, size=8, color=QUIET)
        self.ln(1.5)

    def _text(
        self,
        words: str,
        *,
        size: float = 10,
        bold: bool = False,
        color: tuple[int, int, int] = INK,
        x: float | None = None,
        width: float = WIDTH,
        align: str = "L",
        next_line: bool = True,
    ) -> None:
        self.set_font("Noto", "B" if bold else "", size)
        self.set_text_color(*color)
        if x is not None:
            self.set_x(x)
        self.multi_cell(
            width,
            size * 0.52,
            words,
            align=align,
            padding=0,
            new_x=XPos.LMARGIN if next_line else XPos.RIGHT,
            new_y=YPos.NEXT if next_line else YPos.TOP,
        )

    def _rule(self) -> None:
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())


def printable(words: str, *, otherwise: str) -> str:
    """The words as far as the font has their signs: without emoji, and `otherwise` when letters would be missing."""
    composed = " ".join(unicodedata.normalize("NFC", words).split())
    missing = [sign for sign in composed if ord(sign) not in _signs()]
    if any(unicodedata.category(sign)[0] in "LMN" for sign in missing):
        return otherwise
    return " ".join("".join(sign for sign in composed if sign not in missing).split()) or otherwise


@cache
def _signs() -> frozenset[int]:
    """What every face can write."""
    regular, bold = (_written_by(path) for path in FACES.values())
    return regular & bold


def _written_by(path: Path) -> frozenset[int]:
    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap())
