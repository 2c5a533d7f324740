"""The items of one frame stay together on their way through the batcher: one entry there, whatever they are many."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kaiying.wire.batcher import Commit, NoAnswer, Overloaded


@dataclass(slots=True, eq=False)
class Bundle[T]:
    """Items that arrived together, each with the moment (monotonic) after which nobody waits for its answer."""

    items: list[T]
    deadlines: list[float]

    def __len__(self) -> int:
        """Count the items: the bundle's weight in a batch."""
        return len(self.items)


type Answers[R] = list[R | Exception]


def bundled[T, R](commit: Commit[T, R]) -> Callable[[list[Bundle[T]]], Sequence[Answers[R]]]:
    """Return ``commit`` as a batcher of bundles needs it.

    Items past their deadline are dropped. If a bundle fails that is alone in its batch, its items are tried one by one.
    """

    def commit_bundles(bundles: list[Bundle[T]]) -> Sequence[Answers[R]]:
        now = time.monotonic()
        wanted = [item for one in bundles for item, end in zip(one.items, one.deadlines, strict=True) if end > now]
        try:
            results = _commit(commit, wanted)
        except Exception as error:
            if len(bundles) > 1:
                raise
            results = [error] if len(wanted) == 1 else _one_by_one(commit, bundles[0], now)
        answers = iter(results)
        return [[next(answers) if end > now else Overloaded(1.0) for end in one.deadlines] for one in bundles]

    return commit_bundles


def _commit[T, R](commit: Commit[T, R], items: list[T]) -> Sequence[R | Exception]:
    results = commit(items) if items else []
    if len(results) != len(items):
        raise NoAnswer(f"{len(items)} items, {len(results)} results")
    return results


def _one_by_one[T, R](commit: Commit[T, R], bundle: Bundle[T], now: float) -> Answers[R]:
    answers: Answers[R] = []
    for item, end in zip(bundle.items, bundle.deadlines, strict=True):
        if end <= now:
            continue
        if end <= time.monotonic():  # a database that is gone must not be tried 256 times
            answers.append(Overloaded(1.0))
            continue
        try:
            answers.append(_commit(commit, [item])[0])
        except Exception as error:  # noqa: BLE001 — whatever it is, it belongs to the asker
            answers.append(error)
    return answers
