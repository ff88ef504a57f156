"""The one file that knows ffmpeg: its commands, and a process whose outputs are pipes that we read.

Sources are local files under whitelisted demuxers and protocols. ffmpeg writes no file: each output is a pipe, so a slow
store holds the encoder back instead of filling a disk, and an orphaned encoder dies at its next write.
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import os
import queue
import resource
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import ffmpeg
import imageio_ffmpeg

from media_worker.transcode import boxes, ladder
from media_worker.transcode.boxes import Fragment
from media_worker.transcode.facts import Picture
from media_worker.transcode.ladder import Plan, Step
from media_worker.transcode.probe import FORMATS, PIXELS_MAX

# A recording with a scratch is still a lecture: up to a tenth of a run's frames may be unreadable (they freeze), not more.
GLOBAL = ("-nostdin", "-hide_banner", "-nostats", "-v", "error", "-max_error_rate", "0.1")
FRAGMENTS = "+empty_moov+default_base_moof+negative_cts_offsets+skip_trailer"
WAITING = 12  # pieces between ffmpeg and the store
STALL = 900.0  # seconds without a piece after which an ffmpeg is given up
NICE = 10  # pages come first
PIPE = 1024 * 1024  # bytes; at the usual 64 KiB an encoder and its reader wake each other all the time

Build = Callable[[Sequence[str]], Any]


class Failed(Exception):
    """ffmpeg ended badly; the text is the end of what it said. `killed`: something else ended it, so trying again may help."""

    def __init__(self, said: str, *, killed: bool = False) -> None:
        super().__init__(said)
        self.killed = killed


def binary(configured: str) -> str:
    """The ffmpeg of the settings, else the one that came with the packages."""
    return configured or str(imageio_ffmpeg.get_ffmpeg_exe())


def source(path: Path, **options: Any) -> Any:
    return ffmpeg.input(
        f"file:{path}",
        protocol_whitelist="file,pipe",
        format_whitelist=",".join(FORMATS),
        max_pixels=PIXELS_MAX,
        **options,
    )


def pictures(path: Path, picture: Picture, plan: Plan, run: range) -> Build:
    """One decode, every encoded rendition of segments `run`; frame times stay those of the whole file."""
    begin, last = plan.start(run.start), run.stop == plan.count
    seek = max(0.0, min(float(begin), picture.end_us / 1e6) - picture.longest_gap_us / 1e6 - 0.1)
    video = source(path, ss=_seconds(seek))["V:0"]
    if plan.deinterlace:
        video = video.filter("yadif", deint="interlaced")
    if plan.cuts_us:
        end = {} if last else {"end": _seconds(plan.start(run.stop) - Fraction(1, 1000))}
        video = video.filter("trim", start=_seconds(max(Fraction(0), begin - Fraction(1, 1000))), **end)
        keys = ",".join(_seconds(max(Fraction(0), plan.start(n) - Fraction(1, 1000))) for n in run)
        grid = _grid(keys)
    else:
        frames = (plan.frames if last else run.stop * plan.gop) - run.start * plan.gop
        if last:  # the sound may outlast the picture, whose last frame then stays
            missing = float(plan.length_us - picture.end_us) / 1e6 + 2
            video = video.filter("tpad", stop_mode="clone", stop_duration=_seconds(missing))
        video = video.filter("fps", fps=str(plan.rate), start_time=_seconds(begin))
        grid = {"frames:v": frames, "g": plan.gop, "keyint_min": plan.gop}

    return _encoded(video, picture.display if picture.pixel_aspect == 1 else (0, 0), plan.steps, plan.timescale, grid)


def lowered(path: Path, steps: Sequence[Step], timescale: int, starts: Sequence[Fraction]) -> Build:
    """A stretch of a recording in smaller sizes, with its own frame times; a segment begins at each of `starts` (seconds
    from the beginning of the file)."""
    keys = ",".join(_seconds(max(Fraction(0), start - Fraction(1, 1000))) for start in starts)
    return _encoded(source(path)["V:0"], (0, 0), steps, timescale, _grid(keys))


def _grid(keys: str) -> dict[str, Any]:
    """Frame times as they are, and key frames at these moments alone."""
    return {"fps_mode": "passthrough", "enc_time_base": "demux", "force_key_frames": keys, "g": 100_000}


def _encoded(video: Any, size: tuple[int, int], steps: Sequence[Step], timescale: int, grid: dict[str, Any]) -> Build:
    """One output for each step, a fragment for each key frame; `size` is the picture's own."""

    def build(urls: Sequence[str]) -> Any:
        return ffmpeg.merge_outputs(*(
            ffmpeg.output(
                stream, url, format="mp4", vcodec="libx264", preset="veryfast", crf=23, sc_threshold=0,
                maxrate=step.ceiling, bufsize=2 * step.ceiling, pix_fmt="yuv420p",
                **{"profile:v": "high", "level": f"{step.level / 10:.1f}"}, **grid,
                video_track_timescale=timescale, movflags=FRAGMENTS + "+frag_keyframe", use_editlist=0,
            )
            for step, stream, url in zip(steps, _scaled(video, size, steps), urls, strict=True)
        )).global_args("-copyts", "-start_at_zero")  # fmt: skip

    return build


def _scaled(video: Any, size: tuple[int, int], steps: Sequence[Step]) -> Iterator[Any]:
    """The picture in every size of the ladder, each made from the one above it."""
    for place, step in enumerate(steps):
        if (step.width, step.height) != size:
            video = video.filter("scale", step.width, step.height).filter("setsar", 1)
            size = step.width, step.height
        if place + 1 == len(steps):
            yield video
            return
        halves = video.filter_multi_output("split", 2)
        yield halves[0]
        video = halves[1]


def sound(path: Path, plan: Plan, first: int) -> Build:
    """The whole sound from segment `first` on. The encoder's 1,024 samples of run-in take the place of as many real ones,
    so that sound and picture meet exactly without an edit list."""
    origin = first * ladder.AUDIO_SEGMENT * ladder.AUDIO_FRAME
    total = -(-plan.length_us * ladder.AUDIO_RATE // 1_000_000)
    audio = source(path, ss=_seconds(max(0.0, origin / ladder.AUDIO_RATE - 0.5)))["a:0"]
    heard = origin + ladder.AUDIO_FRAME
    audio = (
        audio.filter("aresample", ladder.AUDIO_RATE, **{"async": 1, "first_pts": origin})
        .filter("atrim", start_pts=heard)
        .filter("apad", whole_len=max(1, total - heard))
        .filter("atrim", end_pts=total)
    )

    def build(urls: Sequence[str]) -> Any:
        return ffmpeg.output(
            audio, urls[0], format="mp4", acodec="aac", ac=plan.channels, audio_bitrate=ladder.audio_rate(plan.channels),
            movflags=FRAGMENTS, frag_duration=ladder.SEGMENT * 1_000_000, use_editlist=0,
        ).global_args("-copyts", "-start_at_zero")  # fmt: skip

    return build


def copied(path: Path, timescale: int = 0) -> Build:
    """The source's own picture, one fragment for each key frame."""

    def build(urls: Sequence[str]) -> Any:
        return ffmpeg.output(
            source(path)["V:0"], urls[0], format="mp4", vcodec="copy", video_track_timescale=timescale,
            movflags=FRAGMENTS + "+frag_keyframe", use_editlist=0,
        ).global_args("-copyts", "-start_at_zero")  # fmt: skip

    return build


def poster(path: Path, at_us: int, width: int, height: int) -> Build:
    """One JPEG of the picture at a moment."""
    still = _small(source(path, ss=_seconds(at_us / 1e6))["V:0"], width, height)
    return lambda urls: ffmpeg.output(still, urls[0], format="image2pipe", vcodec="mjpeg", **{"frames:v": 1, "q:v": 4})


def storyboard(path: Path, every: Fraction, width: int, height: int, columns: int, rows: int) -> Build:
    """One JPEG of small pictures in rows, decoded from key frames only."""
    frames = source(path, skip_frame="nokey")["V:0"].filter("fps", fps=str(1 / every), round="up", start_time=0)
    tiles = _small(frames, width, height).filter("tile", f"{columns}x{rows}")
    return lambda urls: ffmpeg.output(tiles, urls[0], format="image2pipe", vcodec="mjpeg", **{"frames:v": 1, "q:v": 6})


def _small(video: Any, width: int, height: int) -> Any:
    """Square pixels in the full range that JPEG has."""
    return video.filter("scale", width, height, out_range="full").filter("format", "yuvj420p").filter("setsar", 1)


def loudness(path: Path) -> Build:
    """Measures by EBU R 128 and says the result on stderr."""
    heard = source(path)["a:0"].filter("ebur128", framelog="quiet", peak="true")
    return lambda _urls: ffmpeg.output(heard, "-", format="null").global_args("-v", "info")


# A voice without words: a gliding tone with two overtones, in syllables and sentences.
VOICE = (
    "0.16*(sin(2*PI*(132*t+9*sin(1.7*t)))+0.5*sin(2*PI*(264*t+18*sin(1.7*t)))+0.25*sin(2*PI*(528*t+36*sin(1.7*t))))"
    "*(0.55+0.45*sin(2*PI*3.1*t))*gt(sin(0.9*t)+0.8,0)"
)


def lecture(folder: Path, count: int, seconds: int, width: int, height: int, rate: int) -> Build:
    """An MP4 of slides `000.png` … in `folder`, each shown for an equal time, and a voice whose wave moves in a corner.

    The command says itself where things are; nothing in it comes from outside.
    """
    stills = (
        ffmpeg.input(f"{folder}/%03d.png", f="image2", framerate=f"{count}/{seconds}")
        .filter("format", "yuv420p")
        .filter("fps", fps=rate)
    )
    voice = ffmpeg.input(f"aevalsrc='{VOICE}':s=24000:d={seconds}", f="lavfi").filter_multi_output("asplit", 2)
    inset = width // 5 // 2 * 2, height // 7 // 2 * 2
    wave = voice[0].filter(
        "showwaves", s=f"{inset[0]}x{inset[1]}", mode="cline", rate=rate, colors="0xB7141A", scale="cbrt", draw="full"
    )
    picture = stills.overlay(wave, x=width - inset[0] - height // 18, y=height - inset[1] - height // 12, shortest=1)
    return lambda urls: ffmpeg.output(
        picture, voice[1], urls[0], format="mp4", vcodec="libx264", preset="veryfast", crf=23, pix_fmt="yuv420p",
        g=4 * rate, bf=0, acodec="aac", audio_bitrate=64_000, t=seconds, movflags=FRAGMENTS + "+frag_keyframe", use_editlist=0,
    )  # fmt: skip


def _seconds(value: Fraction | float) -> str:
    return f"{float(value):.6f}"


class Process:
    """A running ffmpeg with one pipe for each name. Use as a context manager: leaving it early kills the process."""

    def __init__(self, program: str, build: Build, names: Sequence[str]) -> None:
        self.names = names
        self._pieces: queue.Queue[tuple[str, bytes | Fragment] | None] = queue.Queue(WAITING)
        self._said: collections.deque[bytes] = collections.deque(maxlen=200)
        self._broken: Exception | None = None
        pipes = [_pipe() for _ in names]
        argv = ffmpeg.compile(build([f"pipe:{w}" for _, w in pipes]), cmd=[program, *GLOBAL])
        self._child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            pass_fds=[w for _, w in pipes], process_group=0,
        )  # fmt: skip
        for _, w in pipes:
            os.close(w)
        _confine(self._child.pid)
        self._readers = [
            threading.Thread(target=self._read, args=(name, os.fdopen(r, "rb", buffering=PIPE)), daemon=True)
            for name, (r, _) in zip(names, pipes, strict=True)
        ]
        self._listener = threading.Thread(target=self._listen, daemon=True)
        for thread in (*self._readers, self._listener):
            thread.start()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        while any(reader.is_alive() for reader in self._readers):
            try:
                self._pieces.get(timeout=0.05)  # a reader may be waiting for room
            except queue.Empty:
                pass
        self._child.wait()
        self._listener.join()

    def pieces(self, check: Callable[[], None]) -> Iterator[tuple[str, bytes | Fragment]]:
        """(name, init section or fragment) as they come, to the end; `check` is called at least twice a second.

        Raises Failed when ffmpeg ends badly or falls silent.
        """
        open_pipes, silence = len(self.names), 0.0
        while open_pipes:
            check()
            try:
                piece = self._pieces.get(timeout=0.5)
            except queue.Empty:
                silence += 0.5
                if silence > STALL:
                    raise Failed(f"no output for {STALL:.0f} s\n{self.said}") from None
                continue
            silence = 0.0
            if piece is None:
                open_pipes -= 1
            else:
                yield piece
        code = self._child.wait()
        self._listener.join()
        if code or self._broken:
            raise Failed(f"ended with {code} {self._broken or ''}\n{self.said}", killed=code < 0)

    @property
    def said(self) -> str:
        """The end of what ffmpeg wrote on stderr."""
        return b"".join(self._said).decode(errors="replace")[-4000:]

    def _read(self, name: str, pipe: BinaryIO) -> None:
        with pipe:
            try:
                for piece in boxes.read_pieces(pipe):
                    self._pieces.put((name, piece))
            except ValueError as error:  # Malformed, or the pipe was cut
                self._broken = error
                self._child.kill()
        self._pieces.put(None)

    def _listen(self) -> None:
        assert self._child.stderr
        with self._child.stderr as pipe:
            self._said.extend(pipe)


def capture(program: str, build: Build, check: Callable[[], None], *, seconds: float = STALL) -> tuple[bytes, str]:
    """Run an ffmpeg with one small output: what it wrote and what it said. Raises Failed."""
    argv = ffmpeg.compile(build(["pipe:1"]), cmd=[program, *GLOBAL])
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0
    ) as child:
        _confine(child.pid)
        for _ in range(int(seconds * 2)):
            try:
                written, said = child.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                try:
                    check()
                except BaseException:
                    child.kill()
                    raise
        else:
            child.kill()
            raise Failed(f"not done after {seconds:.0f} s")
    text = said.decode(errors="replace")[-4000:]
    if child.returncode:
        raise Failed(f"ended with {child.returncode}\n{text}", killed=child.returncode < 0)
    return written, text


def _pipe() -> tuple[int, int]:
    """A roomy pipe."""
    ends = os.pipe()
    with contextlib.suppress(OSError):  # the account's limit of pipe memory is reached: a usual pipe does as well
        fcntl.fcntl(ends[0], fcntl.F_SETPIPE_SZ, PIPE)
    return ends


def _confine(pid: int) -> None:
    """No files on disk, no core, and a back seat; set from outside because our threads forbid code between fork and exec."""
    try:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        os.setpriority(os.PRIO_PROCESS, pid, NICE)
    except ProcessLookupError:
        pass
