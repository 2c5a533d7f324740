"""Serves the kit as one style sheet made of the files in ``css/``."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

SOURCES = Path(__file__).parent / "css"
SERVED_AS = "web/kit.css"
TOKENS = "web/tokens.css"
"""The tokens alone, for pages that are not dressed in the kit: the back office."""


class KitFinder(BaseFinder):
    """Finds ``web/kit.css``: the files of ``css/`` joined in the order of their names, and the tokens alone.

    A page then needs two style sheets, the kit and its own, and the order of the files is the order of the layers.
    The joined file is kept in the data folder and made again when a source changed.
    """

    def __init__(self, _app_names: Iterable[str] | None = None, *args: Any, **kwargs: Any) -> None:
        """Keep the joined file below the data folder."""
        super().__init__(*args, **kwargs)
        self.folder = Path(settings.KAIYING_DATA) / "cache" / "kit"

    def find(self, path: str, find_all: bool = False, **_kwargs: Any) -> Any:  # noqa: FBT001, FBT002  (Django's signature)
        """Return where ``path`` lies on disk, or an empty list."""
        if path not in {SERVED_AS, TOKENS}:
            return []
        self._fresh()
        found = str(self.folder / path)
        return [found] if find_all else found

    def list(self, _ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        """Name the files, for ``collectstatic``."""
        self._fresh()
        for path in (SERVED_AS, TOKENS):
            yield path, FileSystemStorage(location=self.folder)

    def check(self, **_kwargs: Any) -> Any:
        """Nothing can be set, so nothing can be set wrongly."""
        return []

    def _fresh(self) -> Path:
        """Join the sources unless the joined file is newer than all of them."""
        made = self.folder / SERVED_AS
        sources = sorted(SOURCES.glob("*.css"))
        # The folder's own time changes when a file is added or taken away.
        newest = max(path.stat().st_mtime_ns for path in [SOURCES, *sources])
        tokens = self.folder / TOKENS
        if not tokens.exists() or not made.exists() or made.stat().st_mtime_ns < newest:
            made.parent.mkdir(parents=True, exist_ok=True)
            self._write(tokens, sorted(SOURCES.glob("*-tokens.css")))
            self._write(made, sources)
        return made

    @staticmethod
    def _write(made: Path, sources: Iterable[Path]) -> None:
        draft = made.with_name(f"{made.stem}.{os.getpid()}.css")
        draft.write_text("\n".join(path.read_text(encoding="utf-8") for path in sources), encoding="utf-8")
        draft.replace(made)
