"""A whole Kaiying of its own for a test: its processes, its data folder, its people."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.gate.machine import descendants

ROOT = Path(__file__).parent.parent.parent
CAMP = Path(__file__).parent / "camp"
PATIENCE = 240
"""Seconds for a first start: tables and static files take 13 s of a core, and there may be little of one."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class House:
    data: Path
    port: int = field(default_factory=free_port)
    extra: dict = field(default_factory=dict)
    process: subprocess.Popen | None = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self):
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("KAIYING_", "DJANGO_", "PYTEST"))
        }
        return kept | {"KAIYING_DATA": str(self.data), "KAIYING_URL": self.url, "NO_COLOR": "1"} | self.extra

    @property
    def log(self):
        return (self.data.parent / "up.log").read_text(encoding="utf-8")

    def run(self, *words):
        """Run a command of ours and return what it printed."""
        done = subprocess.run(
            [sys.executable, *words], env=self.env, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kaiying(self, *words):
        return self.run("-m", "kaiying.config.cli", *words)

    def manage(self, *words):
        return self.run("manage.py", *words)

    def script(self, code, **facts):
        """Run code of ours inside the house, with ``facts``; it prints JSON, which is returned."""
        before = f"import json, os\nfacts = json.loads({json.dumps(json.dumps(facts))})\n"
        return json.loads(self.manage("shell", "--no-imports", "-v", "0", "-c", before + code).strip().splitlines()[-1])

    def start(self):
        with (self.data.parent / "up.log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kaiying.config.cli", "up", "--port", str(self.port)],
                env=self.env,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.wait()

    def wait(self):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                assert self.process.poll() is None, self.log
                time.sleep(0.1)
        raise AssertionError(self.log)

    def kill(self):
        """Kill the whole tree at once, as a power button would; whoever only loses its parent would end in good order."""
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def code_for(self, address, *, since=0.0):
        """Wait for the newest sign-in code mailed to ``address``."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            for letter in sorted((self.data / "mail").glob("*"), key=lambda path: path.stat().st_mtime, reverse=True):
                text = letter.read_text(encoding="utf-8", errors="replace")
                code = re.search(r"\b\d{7}\b", text)
                if letter.stat().st_mtime >= since and f"To: {address}" in text and code:
                    return code.group()
            time.sleep(0.1)
        raise AssertionError(f"no code for {address}")


def bring_camp(house, folder):
    """Load the small camp, with a real video made on the spot, and open two cohorts: one runs, one is on sale."""
    import imageio_ffmpeg

    shutil.copytree(CAMP, folder)
    clip = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=640x360:rate=10:duration=20",
        "-f",
        "lavfi",
        "-i",
        "anullsrc=r=22050:cl=mono",
    ]
    how = ["-shortest", "-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    target = ["-movflags", "+faststart", str(folder / "media" / "clip.mp4")]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *clip, *how, *target], check=True)
    house.kaiying("camp", "load", str(folder), "--yes")


def open_cohort(house, *, number, starts_on, address, sale_opens=None):
    opens = (sale_opens or datetime.now(UTC) - timedelta(hours=1)).isoformat()
    house.kaiying(
        "cohort", "open", "sprint", starts_on, "--number", str(number), "--sale-opens", opens, "--address", address
    )
