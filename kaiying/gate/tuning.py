"""How the interpreter shares its time in a process that answers a crowd."""

import gc
import sys

SWITCH = 0.001
YOUNG, MIDDLE, OLD = 20_000, 20, 100


def tune() -> None:
    """Prepare this process for a crowd; call it when everything is loaded.

    A writer's thread gives the interpreter up a dozen times a batch, and would wait five milliseconds each time to get
    it back from a busy loop. What is loaded by now stays for ever, so the collector need not look at it again; and a
    request leaves no cycles, so it need not look for new ones after every few hundred objects.
    """
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
