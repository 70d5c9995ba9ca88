"""The one typeface that is drawn with where no browser is: on receipts and on pictures."""

from pathlib import Path

REGULAR = Path(__file__).parent / "NotoSans-Regular.ttf"
BOLD = Path(__file__).parent / "NotoSans-Bold.ttf"
