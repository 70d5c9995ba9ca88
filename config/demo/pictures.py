"""Pictures in place of photos, drawn from a few words: nobody's likeness, and the same for the same words."""

from io import BytesIO

from PIL import Image, ImageDraw

from config.demo.plans import PicturePlan
from mentors.photos import Photo, read_photo

SIDE = 768
MIDDLE = SIDE // 2
EYES = "#26211f"


def draw_picture(plan: PicturePlan) -> Photo:
    """A head and shoulders in plain shapes, kept as an uploaded photo would be."""
    picture = _background(plan.behind)
    pen = ImageDraw.Draw(picture)
    if plan.style == "long":
        pen.rounded_rectangle((210, 150, 558, 640), radius=170, fill=plan.hair)
    if plan.style == "bun":
        pen.ellipse((304, 60, 464, 220), fill=plan.hair)
    pen.ellipse((84, 560, 684, 1080), fill=plan.wear)
    pen.rounded_rectangle((324, 430, 444, 640), radius=60, fill=_darker(plan.skin))
    for side in (-1, 1):
        ear = MIDDLE + side * 128
        pen.ellipse((ear - 26, 300, ear + 26, 372), fill=_darker(plan.skin))
    pen.ellipse((254, 160, 514, 510), fill=plan.skin)
    if plan.style == "bald":
        pen.chord((272, 380, 496, 520), 0, 180, fill=plan.hair)
        pen.ellipse((294, 330, 474, 470), fill=plan.skin)
    else:
        pen.ellipse((242, 128, 526, 420), fill=plan.hair)
        pen.ellipse((262, 214, 506, 510), fill=plan.skin)
    for side in (-1, 1):
        eye = MIDDLE + side * 52
        pen.ellipse((eye - 10, 330, eye + 10, 350), fill=EYES)
    pen.arc((334, 370, 434, 440), 25, 155, fill=EYES, width=7)
    written = BytesIO()
    picture.save(written, "PNG", compress_level=1)
    return read_photo(written, written.tell())


def _background(colour: str) -> Image.Image:
    """The colour, growing darker towards the bottom."""
    shade = Image.linear_gradient("L").resize((SIDE, SIDE)).point([value // 4 for value in range(256)])
    plain = Image.new("RGB", (SIDE, SIDE), colour)
    plain.paste(Image.new("RGB", (SIDE, SIDE), _darker(colour)), mask=shade)
    return plain


def _darker(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) * 85 // 100 for place in (1, 3, 5))
    return f"#{red:02x}{green:02x}{blue:02x}"
