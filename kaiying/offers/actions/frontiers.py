"""Up to which number a tier has no free seat, as this process wrote it last.

PostgreSQL keeps what is no longer true in its indexes until they are vacuumed, so whoever looks for the lowest free
seat walks over every seat that was sold since. The ledger remembers how far it came. Every change of a ledger has an
epoch of its own: what was noted holds exactly as long as the offer still has that epoch, and who finds another one
looks from the beginning.
"""

MOST = 1_000
NOTHING = 0

_known: dict[int, tuple[int, int]] = {}


def of(tier_id: int, *, epoch: int) -> int:
    """Return a number at or below which this tier has no free seat, if its offer is locked and stands at ``epoch``."""
    noted = _known.get(tier_id)
    return noted[1] if noted is not None and noted[0] == epoch else NOTHING


def note(tier_id: int, *, epoch: int, number: int) -> None:
    """Note that the lowest free seats up to ``number`` are held; to be called once that is committed."""
    if len(_known) >= MOST:
        _known.clear()
    _known[tier_id] = epoch, number


def forget(tier_id: int) -> None:
    """Look from the beginning the next time, unless all goes well."""
    _known.pop(tier_id, None)
