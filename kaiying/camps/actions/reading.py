"""Read a camp's folder into what its author wrote, with every mistake on the way; touches no database."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from kaiying.camps.actions import written as w
from kaiying.camps.actions.folders import Listing, TextFile, language_of, list_folder, read_text, split_front
from kaiying.camps.actions.kinds import Book, control_in, nearest
from kaiying.camps.actions.marks import Pairs, Place, Problem, Problems, Scalar, compose
from kaiying.camps.actions.scripts import pictures_in
from kaiying.camps.actions.shapes import CAMP, FOLDERS, LONG, PICTURES, Shape
from kaiying.web.texts import Text


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: the camp (``None`` without a readable ``camp.yaml``) and everything that is wrong."""

    camp: w.WrittenCamp | None
    problems: tuple[Problem, ...]
    unused: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What stops a load."""
        return tuple(problem for problem in self.problems if problem.is_error)


def read_folder(folder: Path, *, languages: tuple[str, ...]) -> Reading:
    """Read ``folder``; ``languages`` are those the product speaks."""
    problems = Problems()
    listing = list_folder(folder, problems)
    book = Book(problems, languages, main=languages[0])
    camp = _read_camp(listing, book)
    if camp is None:
        return Reading(None, tuple(problems.found))
    found = {name: _read_files(name, listing, book) for name in FOLDERS}
    camp.lessons, camp.articles = tuple(found["lessons"]), tuple(found["articles"])
    camp.topics, camp.messages = tuple(found["topics"]), tuple(found["messages"])
    camp.media = _match_media(listing, book)
    unused = tuple(sorted(set(listing.media) - set(book.media)))
    spoken = {language for name in listing.texts if (language := language_of(name)[1]) in languages}
    return Reading(camp, tuple(problems.found), unused, tuple(sorted(spoken | {book.main})))


def _read_camp(listing: Listing, book: Book) -> w.WrittenCamp | None:
    path = listing.texts.get("camp.yaml")
    text = read_text(path, "camp.yaml", book.problems) if path else None
    if text is None:
        return None
    had = len(book.problems.found)
    root = compose(text, path="camp.yaml", lines_before=0, problems=book.problems)
    if not isinstance(root, Pairs):
        if len(book.problems.found) == had:
            book.problems.error(Place("camp.yaml", 1, 1), "type", "camp.yaml holds no keys", "Begin with “id: …”.")
        return None
    book.main = _language(root, book)
    camp = CAMP.read(root, book)
    if camp:
        camp.language = book.main
    return camp


def _language(root: Pairs, book: Book) -> str:
    """Find the main language first: every text needs it."""
    _place, node = root.pairs.get("language", (root.place, None))
    if not isinstance(node, Scalar) or node.is_null:
        return book.main
    if node.text.lower() in book.languages:
        return node.text.lower()
    book.error(node, "language", f"unknown language “{node.text}”", nearest(node.text, book.languages))
    return book.main


def _read_files(folder: str, listing: Listing, book: Book) -> list[Any]:
    """Read the Markdown files of a folder, each with its translations."""
    shape, words = FOLDERS[folder]
    names = [name for name in listing.texts if name.startswith(f"{folder}/")]
    mains = {name: _read_file(listing.texts[name], name, shape, book) for name in names if not language_of(name)[1]}
    for name in names:
        main, language = language_of(name)
        if not language:
            continue
        if language not in book.languages:
            advice = nearest(language, book.languages)
            book.problems.error(Place(name), "language", f"unknown language “{language}” in the file’s name", advice)
        elif language == book.main:
            advice = f"Its words belong into {main.rpartition('/')[2]}."
            book.problems.error(Place(name), "language", f"{language} is the camp’s main language", advice)
        elif main not in mains:
            advice = nearest(main, mains) if mains else "Write the main file first."
            book.problems.error(Place(name), "missing", f"this translates {main}, which is not there", advice)
        else:
            book.language = language
            translated = _read_file(listing.texts[name], name, words, book)
            book.language = ""
            if translated is not None and (written := mains[main]) is not None:
                _merge(written, translated, book)
    return [written for written in mains.values() if written is not None]


def _read_file(path: Path, name: str, shape: Shape[Any], book: Book) -> Any:
    text = read_text(path, name, book.problems)
    file = split_front(text, name, book.problems) if text is not None else None
    if file is None:
        return None
    had = len(book.problems.found)
    root = compose(file.front, path=name, lines_before=file.front_line, problems=book.problems)
    if root is None and len(book.problems.found) > had:
        return None
    written = shape.read(root or Pairs(Place(name, 1, 1), {}), book)
    if written is not None and hasattr(written, "body"):
        written.body = _body(file, book)
        _require_body(written, shape, file, book)
    elif file.body:
        book.problems.warn(
            Place(name, file.body_line, 1), "unread", "the text below the front matter is not read", "Remove it."
        )
    return written


def _require_body(written: Any, shape: Shape[Any], file: TextFile, book: Book) -> None:
    if shape.name in {"article", "message"} and not written.body:
        place = Place(file.path, file.body_line, 1)
        book.problems.error(place, "missing", f"the {shape.name} has no text", "Write it below the front matter.")


def _body(file: TextFile, book: Book) -> Text:
    place = Place(file.path, file.body_line, 1)
    if len(file.body) > LONG * 5:
        book.problems.error(place, "long", f"the text is {len(file.body)} characters long", f"At most {LONG * 5} fit.")
    if (bad := control_in(file.body)) is not None:
        line = file.body[: file.body.index(bad)].count("\n")
        at = Place(file.path, file.body_line + line, 1)
        book.problems.error(at, "control", f"character U+{ord(bad):04X} can’t be shown", "Remove it.")
        return Text()
    book.scan(file.body, place, deep=True)
    for line, address in pictures_in(file.body):
        if not address.startswith(("http:", "https:", "/")):
            _own_picture(address, Place(file.path, file.body_line + line, 1), book)
        else:
            at = Place(file.path, file.body_line + line, 1)
            book.problems.error(
                at, "media", f"the picture {address[:60]} is not in media/", "Put the file into media/."
            )
    return Text({book.language or book.main: file.body}, main=book.main)


def _own_picture(address: str, place: Place, book: Book) -> None:
    if address.startswith("media/") and ".." not in address and address.lower().endswith(PICTURES):
        book.media.setdefault(address, place)
    else:
        book.problems.error(place, "media", f"the picture {address[:60]} is not in media/", "Write media/NAME.png.")


def _merge(written: Any, translated: Any, book: Book) -> None:
    """Lay the words of a translation over the main file's."""
    for each in fields(translated):
        theirs, ours = getattr(translated, each.name), getattr(written, each.name)
        if isinstance(theirs, Text) and isinstance(ours, Text):
            setattr(written, each.name, Text({**ours, **theirs}, main=book.main))
        elif isinstance(theirs, tuple) and theirs and isinstance(ours, tuple):
            _merge_many(written, each.name, theirs, ours, translated, book)


def _merge_many(written: Any, name: str, theirs: Any, ours: Any, translated: Any, book: Book) -> None:
    if len(theirs) != len(ours):
        main = f"{written.place.path.rpartition('/')[2]} (line {written.at(name).line})"
        text = f"{len(theirs)} {name} here, {len(ours)} in {main}"
        book.problems.error(translated.at(name), "count", text, "Translate each one, in the same order.")
        return
    if isinstance(ours[0], Text):
        merged = tuple(Text({**a, **b}, main=book.main) for a, b in zip(ours, theirs, strict=True))
        setattr(written, name, merged)
        return
    for one, other in zip(ours, theirs, strict=True):
        _merge(one, other, book)


def _match_media(listing: Listing, book: Book) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for name, place in book.media.items():
        if name in listing.media:
            found[name] = listing.media[name]
        else:
            advice = nearest(name, listing.media) if listing.media else "Put the file into media/."
            book.problems.error(place, "media", f"{name} is not there", advice)
    return found
