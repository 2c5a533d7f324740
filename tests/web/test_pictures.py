"""What strangers send as pictures."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from kaiying.web.pictures import NotAPicture, PictureTooBig, discard_picture, store_picture

ORIENTATION, GPS, RIGHT = 0x0112, 0x8825, 6


def sent(picture: Image.Image, form: str = "JPEG", **facts: object) -> SimpleUploadedFile:
    file = BytesIO()
    picture.save(file, form, **facts)
    return SimpleUploadedFile("x.jpg", file.getvalue())


def kept(path: str, settings: LazySettings) -> Image.Image:
    with Image.open(Path(settings.MEDIA_ROOT) / path) as picture:
        picture.load()
        return picture


def test_it_is_kept_as_webp_under_a_name_of_ours(settings: LazySettings) -> None:
    first, second = (store_picture(sent(Image.new("RGB", (64, 48), "red")), folder="submissions") for _ in range(2))

    assert first != second
    assert first.startswith("submissions/")
    picture = kept(first, settings)
    assert (picture.format, picture.size) == ("WEBP", (64, 48))


def test_where_the_phone_was_is_forgotten_but_not_which_way_is_up(settings: LazySettings) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = RIGHT
    exif.get_ifd(GPS)[1] = "N"

    path = store_picture(sent(Image.new("RGB", (64, 48), "red"), exif=exif), folder="submissions")

    picture = kept(path, settings)
    assert picture.size == (48, 64)
    assert not picture.getexif()
    assert "exif" not in picture.info
    assert b"EXIF" not in (Path(settings.MEDIA_ROOT) / path).read_bytes()


def test_large_ones_shrink_and_transparency_stays(settings: LazySettings) -> None:
    path = store_picture(sent(Image.new("RGBA", (3000, 1500), (0, 0, 0, 0)), "PNG"), folder="x")

    picture = kept(path, settings)
    assert (picture.size, picture.mode) == ((2000, 1000), "RGBA")


def test_a_palette_and_an_animation_become_one_still_picture(settings: LazySettings) -> None:
    frames = [Image.new("P", (20, 20), color) for color in (1, 2)]
    path = store_picture(sent(frames[0], "GIF", save_all=True, append_images=frames[1:]), folder="x")

    assert getattr(kept(path, settings), "n_frames", 1) == 1


def bomb() -> bytes:
    """Make a PNG of a few kilobytes that says it is 20,000 pixels each way."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_too_many_pixels_or_bytes_are_refused_before_they_are_read(settings: LazySettings) -> None:
    with pytest.raises(PictureTooBig):
        store_picture(SimpleUploadedFile("x.png", bomb()), folder="x")
    settings.MAX_PICTURE_BYTES = 1024 * 1024
    with pytest.raises(PictureTooBig, match="1 MB"):
        store_picture(SimpleUploadedFile("x.png", b"0" * (1024 * 1024 + 1)), folder="x")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\xff\xd8\xff\xe0" + b"\0" * 200,
        bomb()[:-900],
    ],
)
def test_what_is_no_picture_is_refused(body: bytes, settings: LazySettings) -> None:
    with pytest.raises((NotAPicture, PictureTooBig)):
        store_picture(SimpleUploadedFile("x.png", body), folder="x")
    assert not Path(settings.MEDIA_ROOT).exists()


def test_a_truncated_picture_is_refused() -> None:
    whole = sent(Image.effect_noise((300, 300), 50)).read()

    with pytest.raises(NotAPicture):
        store_picture(SimpleUploadedFile("x.jpg", whole[: len(whole) // 2]), folder="x")


def test_discarding_deletes_only_pictures_below_the_media_root(settings: LazySettings, tmp_path: Path) -> None:
    path = store_picture(sent(Image.new("RGB", (8, 8))), folder="x")
    outside = tmp_path / "mine.webp"
    outside.touch()

    for one in (path, path, "", "../mine.webp", "x/missing.webp"):
        discard_picture(one)

    assert not (Path(settings.MEDIA_ROOT) / path).exists()
    assert outside.exists()
