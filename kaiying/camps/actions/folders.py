"""What lies in a camp's folder: which files there are, that they are safe to open, and their text."""

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from kaiying.camps.actions.kinds import nearest
from kaiying.camps.actions.marks import Place, Problems
from kaiying.camps.actions.shapes import FOLDERS

MB = 1024 * 1024
LONGEST_TEXT = MB // 2
BIGGEST = {".vtt": MB, ".svg": MB, ".png": 8 * MB, ".jpg": 8 * MB, ".jpeg": 8 * MB, ".webp": 8 * MB}
BIGGEST_OTHER = 2048 * MB
MOST_FILES = 3000
QUIET = re.compile(
    r"(?i)(readme|license|licence|notice|changelog|contributing|makefile)(\..*)?|\..*|.*~|#.*#|thumbs\.db"
)
LANGUAGE_PART = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)


@dataclass(slots=True)
class Listing:
    """The files of a folder: path as authors write it → file."""

    root: Path
    texts: dict[str, Path] = field(default_factory=dict)
    media: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file, decoded: its front matter (with how many lines stand before it) and its body."""

    path: str
    front: str
    front_line: int
    body: str
    body_line: int


def list_folder(folder: Path, problems: Problems) -> Listing:
    """List what can be read, noting links that lead outside, files too big, and names that are probably mistyped."""
    listing = Listing(folder)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        problems.error(Place(str(folder)), "folder", f"this {what}", "Name the folder that holds camp.yaml.")
        return listing
    seen = 0
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        top = here == folder
        for name in sorted(folders):
            if not _enter(here / name, folder, problems, top=top):
                folders.remove(name)
        for name in sorted(files):
            seen += 1
            if seen > MOST_FILES:
                problems.error(
                    Place("."), "big", f"more than {MOST_FILES} files", "Take out what the camp does not use."
                )
                return listing
            _take(here / name, listing, problems)
    if "camp.yaml" not in listing.texts and not any(problem.place.path == "camp.yaml" for problem in problems.found):
        text = "the folder is empty" if not seen else "there is no camp.yaml"
        problems.error(Place("camp.yaml"), "missing", text, "Begin with the file camp.yaml; see docs/camp-as-code.md.")
    return listing


def _enter(path: Path, root: Path, problems: Problems, *, top: bool) -> bool:
    name = path.relative_to(root).as_posix()
    if path.is_symlink():
        problems.error(Place(name), "link", "this folder is a link", "Put the files themselves here.")
        return False
    if top and name not in {*FOLDERS, "media"}:
        if not QUIET.fullmatch(name):
            problems.warn(Place(name), "unread", f"the folder “{name}” is not read", nearest(name, [*FOLDERS, "media"]))
        return False
    return True


def _take(path: Path, listing: Listing, problems: Problems) -> None:
    name = path.relative_to(listing.root).as_posix()
    if QUIET.fullmatch(path.name):
        return
    if path.is_symlink() and not path.resolve().is_relative_to(listing.root.resolve()):
        problems.error(Place(name), "link", "this link leads out of the folder", "Copy the file here.")
        return
    try:
        facts = path.stat()
    except OSError:
        problems.error(Place(name), "link", "this link leads nowhere", "Remove it.")
        return
    if not stat.S_ISREG(facts.st_mode):
        problems.error(Place(name), "type", "this is not a regular file", "Remove it.")
    elif name.startswith("media/"):
        _take_media(name, path, facts.st_size, listing, problems)
    else:
        _take_text(name, path, facts.st_size, listing, problems)


def _take_media(name: str, path: Path, size: int, listing: Listing, problems: Problems) -> None:
    most = BIGGEST.get(path.suffix.lower(), BIGGEST_OTHER)
    if size > most:
        problems.error(Place(name), "big", f"{size // MB} MB is too big", f"At most {most // MB} MB.")
    listing.media[name] = path


def _take_text(name: str, path: Path, size: int, listing: Listing, problems: Problems) -> None:
    folder = name.rpartition("/")[0]
    if folder and (folder not in FOLDERS or path.suffix != ".md"):
        problems.warn(Place(name), "unread", "this file is not read", f"Files are {folder.split('/')[0]}/NAME.md.")
    elif not folder and name != "camp.yaml":
        if name.lower() in {"camp.yml", "camp.yaml", "camp.json"}:
            problems.error(Place("camp.yaml"), "missing", f"there is {name} but no camp.yaml", "Rename the file.")
        else:
            problems.warn(Place(name), "unread", "this file is not read", nearest(name, ["camp.yaml"]))
    elif size > LONGEST_TEXT:
        problems.error(
            Place(name), "big", f"{size // 1024} KB of text is too much", f"At most {LONGEST_TEXT // 1024} KB."
        )
    else:
        listing.texts[name] = path


def read_text(path: Path, name: str, problems: Problems) -> str | None:
    """Return the text with plain line ends and no byte order mark, or note that it is not UTF-8."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        place = Place(name, before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        problems.error(place, "utf-8", "this is not UTF-8", "Save the file as UTF-8.")
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_front(text: str, name: str, problems: Problems) -> TextFile | None:
    """Split a Markdown file into front matter and body."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        problems.error(Place(name, 1, 1), "front", "there is no front matter", "Begin the file with a line “---”.")
        return None
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            rest = lines[number + 1 :]
            empty = next((place for place, words in enumerate(rest) if words.strip()), len(rest))
            body = "\n".join(rest[empty:]).rstrip()
            return TextFile(name, "\n".join(lines[1:number]), 1, body, number + 2 + (empty if body else 0))
    problems.error(Place(name, 1, 1), "front", "the front matter never ends", "Close it with a line “---”.")
    return None


def language_of(name: str) -> tuple[str, str]:
    """Split ``lessons/one.en.md`` into the main file's name and the language; the language is empty for a main file."""
    stem = name.removesuffix(".md")
    head, dot, tail = stem.rpartition(".")
    if dot and LANGUAGE_PART.fullmatch(tail) and "/" in head:
        return f"{head}.md", tail.lower()
    return name, ""
