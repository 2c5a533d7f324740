"""Compile the rooms' catalogues, without the programs of gettext."""

from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]


def stale() -> list[Path]:
    """Return the ``.po`` files whose ``.mo`` is missing or older."""
    return [path for path in sorted(HOUSE.glob("**/locale/*/LC_MESSAGES/*.po")) if _is_stale(path)]


def _is_stale(path: Path) -> bool:
    compiled = path.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime_ns < path.stat().st_mtime_ns


def compile_stale() -> int:
    """Compile what is stale; return how many."""
    paths = stale()
    if paths:
        from babel.messages.mofile import write_mo  # noqa: PLC0415 — 0.2 s that most starts do not need
        from babel.messages.pofile import read_po  # noqa: PLC0415

        for path in paths:
            with path.open("rb") as source:
                catalog = read_po(source, locale=path.parents[1].name)
            draft = path.with_suffix(".mo.new")
            with draft.open("wb") as target:
                write_mo(target, catalog)
            draft.replace(path.with_suffix(".mo"))
    return len(paths)
