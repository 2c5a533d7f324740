"""Taking in pictures that members send: what is kept is our own encoding of the pixels and nothing else.

So no EXIF (where a phone was), no second format hidden in a file, and no name chosen by a stranger reaches the disk.
"""

import secrets
import warnings
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, UnidentifiedImageError

from kaiying.kit.errors import Refused

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
LONGEST_SIDE = 2000
MOST_PIXELS = 60_000_000
QUALITY = 82
MEGABYTE = 1024 * 1024


class PictureTooBig(Refused):
    """More bytes or more pixels than we take."""

    code: ClassVar[str] = "web.picture_too_big"
    status: ClassVar[int] = 413
    text: ClassVar[object] = _("This picture is too big. Pictures may have up to %(megabytes)s MB and 60 megapixels.")


class NotAPicture(Refused):
    """It is no picture we can read."""

    code: ClassVar[str] = "web.not_a_picture"
    status: ClassVar[int] = 415
    text: ClassVar[object] = _("This file cannot be read as a picture. Send a JPEG, PNG, WebP or GIF.")


def store_picture(upload: "UploadedFile[Any]", *, folder: str) -> str:
    """Keep ``upload`` as WebP with sides up to 2,000 px; returns its path below the media root.

    Turned upright by its EXIF, which is then dropped; of an animation the first frame. Raises ``PictureTooBig`` and
    ``NotAPicture``.
    """
    if (upload.size or 0) > settings.MAX_PICTURE_BYTES:
        raise _too_big()
    picture = _read(upload)
    name = secrets.token_urlsafe(18)
    place = Path(settings.MEDIA_ROOT) / folder / name[:2].lower()
    place.mkdir(parents=True, exist_ok=True)
    draft, final = place / f".{name}.draft", place / f"{name}.webp"
    try:
        picture.save(draft, "WEBP", quality=QUALITY, method=4)
        draft.chmod(settings.FILE_UPLOAD_PERMISSIONS or 0o644)
        draft.replace(final)
    finally:
        draft.unlink(missing_ok=True)
    return final.relative_to(settings.MEDIA_ROOT).as_posix()


def discard_picture(path: str) -> None:
    """Delete a picture that ``store_picture`` kept; no path and a picture gone already are fine."""
    if not path:
        return
    root = Path(settings.MEDIA_ROOT).resolve()
    file = (root / path).resolve()
    if file.suffix == ".webp" and file.is_relative_to(root):
        file.unlink(missing_ok=True)


def _read(upload: "UploadedFile[Any]") -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            upload.seek(0)
            picture = Image.open(upload, formats=FORMATS)
            if picture.width * picture.height > MOST_PIXELS:
                raise _too_big()
            picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            picture.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_big() from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, IndexError):
        raise NotAPicture from None
    upright = ImageOps.exif_transpose(picture)
    plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    clean = Image.new(plain.mode, plain.size)
    clean.paste(plain)
    return clean


def _too_big() -> PictureTooBig:
    return PictureTooBig(megabytes=settings.MAX_PICTURE_BYTES // MEGABYTE)
