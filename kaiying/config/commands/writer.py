"""``kaiying writer``: the one process that writes what fronts are asked."""

import argparse
import os

from kaiying.config.commands import CannotGoOn
from kaiying.config.commands.environment import read_env
from kaiying.config.env import Env
from kaiying.wire import clock
from kaiying.wire.frames import Address, BadAddress


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``writer``."""
    parser.add_argument(
        "--listen", default="", help="unix:/path or host:port (default: a socket in the data folder, for this machine)"
    )


def run(options: argparse.Namespace) -> int:
    """Write until stopped."""
    env = read_env()
    address = address_of(options.listen, env)
    os.environ["KAIYING_DATA"] = str(env.data)
    os.environ["KAIYING_WRITER"] = ""  # it asks nobody else
    clock.configure(env.clock)
    import django  # noqa: PLC0415 — not before the settings are known

    django.setup()
    from kaiying.gate.writer import write_for_fronts  # noqa: PLC0415 — models exist only now

    write_for_fronts(address, say=lambda text: print(text, flush=True))  # noqa: T201 — what the operator reads
    return 0


def address_of(given: str, env: Env) -> Address:
    """Return where writer and fronts meet."""
    try:
        return Address.parse(given or env.writer or f"unix:{env.data / 'run' / 'writer.sock'}")
    except BadAddress as bad:
        raise CannotGoOn(
            f"{bad}.", "Give a path or a port, such as unix:/run/kaiying/writer.sock or 10.0.0.5:7101."
        ) from bad
