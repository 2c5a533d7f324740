"""Look into media files: that they are what their name says, that a drawing holds no script, how long a video is."""

import re
from pathlib import Path
from xml.parsers import expat

from PIL import Image, UnidentifiedImageError

MOST_PIXELS = 40_000_000
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
DRAWN = {
    *(
        "svg",
        "g",
        "defs",
        "title",
        "desc",
        "path",
        "rect",
        "circle",
        "ellipse",
        "line",
        "polyline",
        "polygon",
        "text",
        "tspan",
    ),
    *("linearGradient", "radialGradient", "stop", "clipPath", "mask", "pattern", "symbol", "use", "filter"),
    *("feGaussianBlur", "feOffset", "feMerge", "feMergeNode", "feBlend", "feColorMatrix", "feFlood", "feComposite"),
}


def fault_of(path: Path) -> str:
    """Say what is wrong with a media file; empty when nothing is."""
    suffix = path.suffix.lower()
    if suffix in FORMATS:
        return _picture_fault(path, FORMATS[suffix])
    if suffix == ".svg":
        return _drawing_fault(path.read_bytes())
    with path.open("rb") as file:
        head = file.read(16)
    if suffix == ".vtt":
        return "" if head.removeprefix(b"\xef\xbb\xbf").startswith(b"WEBVTT") else "it does not begin with WEBVTT"
    if suffix == ".webm":
        return "" if head.startswith(b"\x1a\x45\xdf\xa3") else "it is not a WebM video"
    return "" if head[4:8] == b"ftyp" else "it is not an MP4 video"


def _picture_fault(path: Path, form: str) -> str:
    try:
        with Image.open(path, formats=list(FORMATS.values())) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return f"{picture.width} × {picture.height} pixels are too many"
            if picture.format != form:
                return f"it is {picture.format}, not {form}"
            picture.verify()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return "it is not a picture that can be opened"
    return ""


def _drawing_fault(data: bytes) -> str:
    """Say what in an SVG goes beyond drawing; entities, scripts, styles and outside addresses do."""
    faults: list[str] = []

    def element(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] not in DRAWN:
            faults.append(f"it holds <{name}>")
        for key, value in attributes.items():
            bare = key.rpartition(":")[2].lower()
            if bare.startswith("on") or bare == "style":
                faults.append(f"it holds {key}=")
            elif (bare == "href" and not value.startswith("#")) or re.search(r"url\(\s*['\"]?(?!#)", value):
                faults.append(f"it points to {value[:40]}")

    def doctype(*_facts: object) -> None:
        faults.append("it holds a DOCTYPE")

    parser = expat.ParserCreate()
    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = doctype
    parser.ProcessingInstructionHandler = lambda target, _data: faults.append(f"it holds <?{target}?>")
    try:
        parser.Parse(data, True)  # noqa: FBT003 — expat takes it by place
    except expat.ExpatError as error:
        return f"it is not XML: {error}"
    return faults[0] if faults else ""


def seconds_of(path: Path) -> int | None:
    """Return how long an MP4 is, rounded down, from its header; ``None`` when that can't be told."""
    with path.open("rb") as file:
        end = path.stat().st_size
        box = _find(file, b"moov", 0, end)
        header = _find(file, b"mvhd", *box) if box else None
        if header is None:
            return None
        file.seek(header[0])
        data = file.read(32)
    wide = data[0] == 1
    scale = int.from_bytes(data[20:24] if wide else data[12:16])
    length = int.from_bytes(data[24:32] if wide else data[16:20])
    return length // scale if scale else None


def _find(file: object, wanted: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Return where the content of a box of an MP4 begins and ends."""
    while start + 8 <= end:
        file.seek(start)  # type: ignore[attr-defined]
        head = file.read(16)  # type: ignore[attr-defined]
        size, skip = int.from_bytes(head[:4]), 8
        if size == 1:
            size, skip = int.from_bytes(head[8:16]), 16
        if size == 0:
            size = end - start
        if size < skip:
            return None
        if head[4:8] == wanted:
            return start + skip, min(start + size, end)
        start += size
    return None
