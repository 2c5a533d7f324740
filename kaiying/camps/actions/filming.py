"""Make films with ffmpeg and keep them: each is made once, two at a time, below everything else the machine does."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image

from kaiying.camps.actions.films import Script
from kaiying.camps.actions.shooting import RATE, Studio
from kaiying.camps.actions.snapshots import Film
from kaiying.camps.actions.stage import BACKDROP, CAMP_AT_DAWN, HEIGHT, NIGHT, SOMEBODY, TEAL, WIDTH, open_portrait
from kaiying.camps.vocabulary import FilmImpossible

AT_A_TIME = 2
KEY_EVERY = 2 * RATE
AMBIENCE_SECONDS = 60
"""A whole number of every tone's waves, so that the sound can follow upon itself."""

EVERY = 50
"""Frames between two reports of progress."""

type Progress = Callable[[str, int, int], None]
"""Called with the lesson's id, frames done and frames in all."""


@cache
def ffmpeg() -> str:
    """Return the path of ffmpeg; raises ``FilmImpossible`` when there is none."""
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg  # noqa: PLC0415 — an extra: not everyone installs it

        try:
            return str(imageio_ffmpeg.get_ffmpeg_exe())
        except RuntimeError:
            pass
    found = shutil.which("ffmpeg")
    if found is None:
        raise FilmImpossible(why="there is no ffmpeg. Install kaiying[video].")
    return found


def films_in(cache_folder: Path, scripts: Iterable[Script]) -> dict[str, Film]:
    """Return the films that were made before, by lesson."""
    found = {script.ref: _film(cache_folder, script) for script in scripts}
    return {ref: film for ref, film in found.items() if film.video.exists()}


def make_films(*, scripts: Sequence[Script], cache_folder: Path, report: Progress | None = None) -> dict[str, Film]:
    """Return a film for every script; those in the cache are not made again. Raises ``FilmImpossible``."""
    films = films_in(cache_folder, scripts)
    missing = [script for script in scripts if script.ref not in films]
    if not missing:
        return films
    cache_folder.mkdir(parents=True, exist_ok=True)
    sound = _ambience(cache_folder)
    longest_first = sorted(missing, key=lambda script: -script.seconds)
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="film") as pool:
        jobs = {script.ref: pool.submit(_make, script, cache_folder, sound, report) for script in longest_first}
        try:
            return films | {ref: job.result() for ref, job in jobs.items()}
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _film(folder: Path, script: Script) -> Film:
    stem = f"{script.key[:32]}"
    captions = {language: folder / f"{stem}.{language}.vtt" for language, _text in script.captions}
    return Film(script.key, folder / f"{stem}.mp4", folder / f"{stem}.webp", captions)


def _make(script: Script, folder: Path, sound: Path, report: Progress | None) -> Film:
    film = _film(folder, script)
    studio = Studio(script, backdrop=_drawing(BACKDROP), scene=_drawing(CAMP_AT_DAWN), face=_face(script))
    for language, text in script.captions:
        _keep(text.encode(), film.captions[language])
    poster = BytesIO()
    studio.poster().save(poster, "WEBP", quality=82, method=4)
    _keep(poster.getvalue(), film.poster)
    draft = film.video.with_name(f".{script.key[:32]}.{os.getpid()}.mp4")
    try:
        _encode(studio, script, sound, draft, report)
        draft.replace(film.video)  # last: a film whose video is there is whole
    finally:
        draft.unlink(missing_ok=True)
    return film


def _encode(studio: Studio, script: Script, sound: Path, target: Path, report: Progress | None) -> None:
    cuts = ",".join(str(shot.start) for shot in script.shots)
    # The sound ends a little before the picture, so that the film lasts exactly as long as its slides.
    sound_for = f"{script.seconds - 0.05:.2f}"
    command = [
        *(
            *_quiet(),
            "-f",
            "rawvideo",
            "-pix_fmt",
            "yuv420p",
            "-s",
            f"{WIDTH}x{HEIGHT}",
            "-r",
            str(RATE),
            "-i",
            "pipe:0",
        ),
        *("-stream_loop", "-1", "-t", sound_for, "-i", str(sound), "-map", "0:v", "-map", "1:a", "-c:a", "copy"),
        *("-c:v", "libx264", "-preset", "veryfast", "-tune", "stillimage", "-crf", "25", "-bf", "0", "-threads", "1"),
        *("-g", str(KEY_EVERY), "-keyint_min", "1", "-sc_threshold", "0", "-force_key_frames", cuts),
        *("-vf", "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"),
        *("-movflags", "+faststart", "-metadata", f"title={script.title}", str(target)),
    ]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=errors)  # noqa: S603
        _be_nice(process.pid)
        try:
            _feed(process, studio.frames(), script, report)
        except BrokenPipeError:
            pass
        except BaseException:
            process.kill()
            raise
        finally:
            status = process.wait()
        if status:
            errors.seek(0)
            raise FilmImpossible(why=errors.read()[-400:].decode(errors="replace").strip())


def _feed(
    process: subprocess.Popen[bytes], frames: Iterator[bytearray], script: Script, report: Progress | None
) -> None:
    total = script.seconds * RATE
    pipe = process.stdin
    assert pipe is not None  # noqa: S101 — opened one line above
    with pipe:
        for number, frame in enumerate(frames, start=1):
            pipe.write(frame)
            if report is not None and (number % EVERY == 0 or number == total):
                report(script.ref, number, total)


def _ambience(folder: Path) -> Path:
    """Return a quiet sound to lie under all films, made once: players show a film without sound as broken."""
    sound = folder / "ambience-3.m4a"
    if not sound.exists():
        tones = "+".join(
            f"{loud}*sin(2*PI*{pitch}*t)*(0.55+0.45*sin(2*PI*t/{slow}))"
            for pitch, loud, slow in ((110, 0.012, 12), (164.8, 0.008, 15), (220, 0.006, 20), (329.6, 0.003, 30))
        )
        draft = sound.with_name(f".ambience.{os.getpid()}.m4a")
        source = f"aevalsrc='{tones}':s=24000:d={AMBIENCE_SECONDS}"
        _run(["-f", "lavfi", "-i", source, "-ac", "1", "-c:a", "aac", "-b:a", "40k", str(draft)])
        draft.replace(sound)
    return sound


def _face(script: Script) -> Image.Image:
    path = script.portrait
    if path is not None and path.suffix.lower() == ".svg":
        return _drawing(path.read_text(encoding="utf-8"))
    return open_portrait(path) or _drawing(SOMEBODY)


@cache
def _drawing(svg: str) -> Image.Image:
    """Turn a drawing into pixels; an ffmpeg that can't read SVG gives a plain backdrop."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "drawing.svg"), Path(folder, "drawing.png")
        source.write_text(svg, encoding="utf-8")
        try:
            _run(["-i", str(source), "-frames:v", "1", "-update", "1", str(target)])
        except FilmImpossible:
            return Image.linear_gradient("L").resize((WIDTH, HEIGHT)).convert("RGB").point(_dusk())
        with Image.open(target) as picture:
            return picture.convert("RGBA")


def _dusk() -> list[int]:
    ends = [tuple(bytes.fromhex(colour[1:])) for colour in (NIGHT, TEAL)]
    return [a + (b - a) * step // 255 for a, b in zip(*ends, strict=True) for step in range(256)]


def _run(arguments: Sequence[str]) -> None:
    done = subprocess.run([*_quiet(), *arguments], capture_output=True, check=False)  # noqa: S603 — our own program
    if done.returncode:
        raise FilmImpossible(why=done.stderr[-400:].decode(errors="replace").strip())


def _quiet() -> list[str]:
    return [ffmpeg(), "-nostdin", "-hide_banner", "-loglevel", "error", "-y"]


def _be_nice(process: int) -> None:
    """Let everything else on the machine go first, where the system knows how."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, process, 10)


def _keep(data: bytes, path: Path) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(path)
