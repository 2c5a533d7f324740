"""``kaiying front``: processes that answer the crowd and leave the writing to the writer."""

import argparse
import os
import sys

from kaiying.config.commands.environment import read_env
from kaiying.config.commands.writer import address_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``front``."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8001, help="port (default 8001)")
    parser.add_argument("--workers", type=int, default=2, help="processes that share the port (default 2)")
    parser.add_argument("--writer", default="", help="where the writer listens: unix:/path or host:port")


def run(options: argparse.Namespace) -> int:
    """Become the server; it looks after its workers itself."""
    env = read_env()
    os.environ["KAIYING_DATA"] = str(env.data)
    os.environ["KAIYING_WRITER"] = str(address_of(options.writer, env))
    os.environ["DJANGO_SETTINGS_MODULE"] = "kaiying.config.settings"
    command = granian(host=options.host, port=options.port, workers=options.workers)
    os.execv(command[0], command)  # noqa: S606 — no shell wanted


def granian(*, host: str, port: int, workers: int) -> list[str]:
    """Return the command that serves fronts."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "rsgi"),
        *("--host", host, "--port", str(port), "--workers", str(workers)),
        *("--respawn-failed-workers", "--workers-kill-timeout", "10", "--no-ws"),
        *("--backlog", "4096", "--backpressure", "16384"),
        *("--log-level", "warning", "kaiying.config.rsgi:application"),
    ]
