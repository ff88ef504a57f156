"""What real and unreal files become: every odd source is made playable without gaps, every bad one refused in words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import transcode_kit as kit
from PIL import Image

from media_worker.transcode import boxes, ffmpeg, ladder, probe
from media_worker.transcode.refusal import Refused
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import open_store
from school.media import reasons
from school.media.models import AssetState

SHARED = Path(__file__).parents[2] / "shared" / "media"
X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac")
one_database = pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)


def cover_art(path: Path) -> Path:
    Image.new("RGB", (600, 600), "#B7141A").save(path.with_suffix(".png"))
    kit.ffmpeg("-f", "lavfi", "-i", kit.SOUND.format(seconds=5), "-i", path.with_suffix(".png"), "-map", "0", "-map", "1",
               "-c:a", "libmp3lame", "-c:v", "png", "-disposition:v", "attached_pic", path)  # fmt: skip
    return path


def variable_rate(path: Path) -> Path:
    """A screen recorder that leaves out the frames in which nothing moves: 25, then 5 a second, then none for 3 s."""
    still = "select='if(lt(t,2),1,if(lt(t,5),not(mod(n,5)),gt(t,8)))'"
    return kit.clip(path, *X264, "-fps_mode", "vfr", vf=still, seconds=10)


def picture_shorter(path: Path) -> Path:
    kit.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=4", "-f", "lavfi", "-i", kit.SOUND.format(seconds=9),
               *X264, path)  # fmt: skip
    return path


def rotated(path: Path) -> Path:
    kit.clip(path.with_suffix(".plain.mp4"), *X264)
    kit.ffmpeg("-display_rotation", "90", "-i", path.with_suffix(".plain.mp4"), "-c", "copy", path)
    return path


GOOD: dict[str, tuple[Callable[[Path], Path], list[tuple[int, int, float]], bool]] = {
    # name: how it is made, (width, height, frames a second) of each rendition, sound
    "copyable.mp4": (lambda p: kit.copyable(p, size="640x360"), [(640, 360, 25)], True),
    "two-steps.mp4": (lambda p: kit.copyable(p, size="1280x720", seconds=5), [(1280, 720, 25), (854, 480, 25)], True),
    "long-gop.mp4": (lambda p: kit.copyable(p, gop=250), [(320, 180, 25)], True),
    "open.mkv": (lambda p: kit.clip(p, *X264, "-x264-params", "open-gop=1:keyint=50"), [(320, 180, 25)], True),
    "ntsc.mp4": (lambda p: kit.clip(p, "-c:v", "mpeg4", "-c:a", "aac", rate="30000/1001", seconds=9),
                 [(320, 180, 30000 / 1001)], True),
    "portrait.mp4": (lambda p: kit.clip(p, "-c:v", "mpeg4", "-c:a", "aac", size="180x320"), [(180, 320, 25)], True),
    "rotated.mp4": (rotated, [(180, 320, 25)], True),
    "anamorphic.mp4": (lambda p: kit.clip(p, *X264, size="352x288", vf="setsar=16/11"), [(512, 288, 25)], True),
    "sixty.mp4": (lambda p: kit.clip(p, *X264, rate="60"), [(320, 180, 30)], True),
    "odd.mkv": (lambda p: kit.clip(p, "-c:v", "mpeg4", "-c:a", "aac", size="321x181"), [(320, 180, 25)], True),
    "silent.mp4": (lambda p: kit.clip(p, *X264[:4], sound=False), [(320, 180, 25)], False),
    "mono.mp4": (lambda p: kit.clip(p, *X264, "-ac", "1"), [(320, 180, 25)], True),
    "old.wmv": (lambda p: kit.clip(p, "-c:v", "wmv2", "-c:a", "wmav2"), [(320, 180, 25)], True),
    "old.avi": (lambda p: kit.clip(p, "-c:v", "mpeg4", "-c:a", "libmp3lame"), [(320, 180, 25)], True),
    "web.webm": (lambda p: kit.clip(p, "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"), [(320, 180, 25)], True),
    "matroska.mkv": (lambda p: kit.clip(p, *X264), [(320, 180, 25)], True),
    "stream.ts": (lambda p: kit.clip(p, *X264, "-muxdelay", "3"), [(320, 180, 25)], True),
    "still-screen.mkv": (variable_rate, [(320, 180, 25)], True),
    "picture-shorter.mp4": (picture_shorter, [(320, 180, 25)], True),
    "cover-art.mp3": (cover_art, [], True),
    "sound.wav": (lambda p: kit.clip(p, picture=False), [], True),
}  # fmt: skip


@one_database
@pytest.mark.parametrize("name", GOOD)
def test_a_source_becomes_a_timeline_without_gaps(name: str, db: Database, settings: Settings, tmp_path: Path) -> None:
    make, pictures, sound = GOOD[name]
    store = open_store(settings)
    store.prepare()
    path = make(tmp_path / name)
    asset = kit.given(db, store, path)
    kit.work(settings, store)
    asset, timeline = kit.made(db, asset)
    assert asset.state == AssetState.READY, (asset.reason_code, asset.reason_params)
    assert timeline
    assert timeline.sealed_at
    shown = [(r["width"], r["height"], r["frame_rate"]) for r in timeline.renditions if r["kind"] == "video"]
    assert shown == [(width, height, pytest.approx(rate)) for width, height, rate in pictures]
    assert any(r["kind"] == "audio" for r in timeline.renditions) == sound
    assert abs(timeline.length_ms - timeline.expected_ms) < 200
    assert bool(timeline.poster_key) == bool(pictures)
    assert bool(asset.loudness) == sound
    for rendition in timeline.renditions:
        data = kit.joined(db, store, timeline, rendition["name"])
        times = kit.frame_times(data)
        step = 1024 / 48_000 if rendition["kind"] == "audio" else 1 / rendition["frame_rate"]
        if name != "still-screen.mkv" or rendition["kind"] == "audio":
            assert not kit.gaps(times, step)
        assert times[-1] - times[0] + step == pytest.approx(timeline.expected_ms / 1000, abs=0.2)
        assert kit.first_moment(data) == pytest.approx(0, abs=0.001), "picture and sound begin together"
        assert rendition["codecs"] == boxes.codecs(data)
        assert rendition["bandwidth"] >= rendition["average"] > 0


@one_database
def test_the_beep_is_heard_when_it_is_seen(db: Database, settings: Settings, tmp_path: Path) -> None:
    """The sound has a run-in and the picture a reordering delay; both are taken out, so that a clap stays a clap."""
    path = tmp_path / "clap.mp4"
    kit.ffmpeg("-f", "lavfi", "-i", "color=black:s=320x180:r=25:d=10,drawbox=c=white:t=fill:enable='gte(t,6)'",
               "-f", "lavfi", "-i", "aevalsrc='0.5*sin(2*PI*1000*t)*gte(t,6)':s=48000:d=10", *X264, "-g", "250", path)  # fmt: skip
    store = open_store(settings)
    store.prepare()
    asset = kit.given(db, store, path)
    kit.work(settings, store)
    _, timeline = kit.made(db, asset)
    assert timeline
    assert kit.bright_from(kit.joined(db, store, timeline, "480")) == pytest.approx(6, abs=0.001)
    assert kit.loud_from(kit.joined(db, store, timeline, "audio")) == pytest.approx(6, abs=0.003)


if SHARED.is_dir():  # other people's recordings, where they lie beside the checkout

    @one_database
    @pytest.mark.parametrize("name", ["footage-240p.mp4", "screencast-silent-60fps.mp4"])
    def test_other_peoples_recordings(name: str, db: Database, settings: Settings) -> None:
        store = open_store(settings)
        store.prepare()
        asset = kit.given(db, store, SHARED / name)
        kit.work(settings, store)
        asset, timeline = kit.made(db, asset)
        assert asset.state == AssetState.READY
        assert timeline
        for rendition in timeline.renditions:
            step = 1024 / 48_000 if rendition["kind"] == "audio" else 1 / rendition["frame_rate"]
            assert not kit.gaps(kit.frame_times(kit.joined(db, store, timeline, rendition["name"])), step)


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port of this machine and the requests that reached it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    heard.append(connection.recv(200))

        thread = threading.Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], heard
        done.set()
        thread.join()


def text(path: Path) -> Path:
    path.write_text("这是一份会议通知，不是视频。\n" * 50, encoding="utf-8")
    return path


def no_moov(path: Path) -> Path:
    """As a recorder that lost its power leaves it: media data and no index."""
    whole = kit.copyable(path.with_suffix(".whole.mp4")).read_bytes()
    path.write_bytes(whole[: whole.index(b"moov") - 4])
    return path


def cut(path: Path) -> Path:
    kit.clip(path.with_suffix(".whole.mp4"), *X264, "-b:v", "2M", "-movflags", "+faststart", seconds=20)
    whole = path.with_suffix(".whole.mp4").read_bytes()
    path.write_bytes(whole[: len(whole) // 5])
    return path


def zeroed(path: Path) -> Path:
    """As an interrupted copy leaves it that had reserved its room: the right size, and zeros from the middle on."""
    whole = bytearray(
        kit.clip(path.with_suffix(".whole.mp4"), *X264, "-movflags", "+faststart", seconds=20).read_bytes()
    )
    whole[len(whole) // 2 :] = bytes(len(whole) - len(whole) // 2)
    path.write_bytes(whole)
    return path


def huge(path: Path) -> Path:
    kit.ffmpeg("-f", "lavfi", "-i", "color=black:s=16000x16000:r=1:d=1", "-c:v", "mjpeg", "-f", "matroska", path)
    return path


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "text.mp4": (text, "file.not_media"),
    "noise.mp4": (lambda p: (p.write_bytes(bytes(range(256)) * 4000) and p) or p, "file.not_media"),
    "unfinished.mp4": (no_moov, "file.unfinished"),
    "cut.mp4": (cut, "file.truncated"),
    "zeroed.mp4": (zeroed, "file.damaged"),
    "huge.mkv": (huge, "file.too_many_pixels"),
    "short.mp4": (lambda p: kit.copyable(p, seconds=0.4), "file.too_short"),
    "slides.png": (lambda p: Image.new("RGB", (64, 64)).save(p) or p, "file.not_media"),
    "moving.gif": (lambda p: kit.clip(p, sound=False, seconds=2), "file.not_media"),
}


@one_database
@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_words(name: str, db: Database, settings: Settings, tmp_path: Path) -> None:
    make, code = BAD[name]
    store = open_store(settings)
    store.prepare()
    asset = kit.given(db, store, make(tmp_path / name))
    kit.work(settings, store)
    asset, timeline = kit.made(db, asset)
    assert (asset.state, asset.reason_code) == (AssetState.FAILED, code)
    sentence, words = reasons.sentence(code, asset.reason_params)
    assert "%(" not in sentence % words
    assert timeline is None or not timeline.sealed_at
    assert store.stat(asset.source_key or "").size == asset.size, "the source stays for the operator"


def test_a_cut_file_says_how_much_of_it_is_there(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        probe.probe(cut(tmp_path / "cut.mp4"))
    assert refused.value.params["expected_ms"] == pytest.approx(20_000, abs=100)
    assert 1000 < refused.value.params["kept_ms"] < 8000


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(Refused, match=r"file\.empty"):
        probe.probe(tmp_path / "empty.mp4")


DISGUISED = {
    "playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n",
    "indented": "\n\n  #EXTM3U\n#EXTINF:4,\nhttp://127.0.0.1:{port}/a.ts\n",
    "concat": "ffconcat version 1.0\nfile http://127.0.0.1:{port}/a.mp4\n",
    "passwd": "ffconcat version 1.0\nfile /etc/passwd\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:{port}/a.png"/></svg>',
    "dash": '<?xml version="1.0"?><MPD><BaseURL>http://127.0.0.1:{port}/</BaseURL></MPD>',
    "session": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=video {port} RTP/AVP 96\r\n",
}


@pytest.mark.parametrize("kind", DISGUISED)
def test_a_list_in_disguise_reaches_nobody(kind: str, listener: tuple[int, list[bytes]], tmp_path: Path) -> None:
    port, heard = listener
    path = tmp_path / "lecture.mp4"
    path.write_text(DISGUISED[kind].format(port=port))
    with pytest.raises(Refused, match=r"file\.refused"):
        probe.probe(path)
    for build in (ffmpeg.poster(path, 0, 320, 180), ffmpeg.loudness(path), ffmpeg.copied(path)):
        with pytest.raises(ffmpeg.Failed):  # even if it came so far
            ffmpeg.capture(ffmpeg.binary(""), build, lambda: None)
    assert heard == []


def test_ffmpeg_itself_refuses_more_pixels_than_a_picture_may_have(tmp_path: Path) -> None:
    with pytest.raises(ffmpeg.Failed):
        ffmpeg.capture(ffmpeg.binary(""), ffmpeg.poster(huge(tmp_path / "huge.mkv"), 0, 320, 180), lambda: None)


def test_ffmpeg_may_write_no_file(tmp_path: Path) -> None:
    source = kit.copyable(tmp_path / "a.mp4")
    target = tmp_path / "b.mp4"
    with pytest.raises(ffmpeg.Failed):
        ffmpeg.capture(ffmpeg.binary(""), lambda _urls: ffmpeg.copied(source)([f"file:{target}"]), lambda: None)
    assert not target.exists() or target.stat().st_size == 0


def test_a_probe_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.01)
    with pytest.raises(Refused, match=r"file\.slow_to_open"):
        probe.probe(kit.copyable(tmp_path / "a.mp4"))


def test_runs_that_begin_anywhere_have_the_same_init_section_and_frames(tmp_path: Path) -> None:
    """A lecture continued by another worker plays as one: same init section, every frame once, at its own time."""
    path = kit.clip(tmp_path / "a.avi", "-c:v", "mpeg4", "-g", "70", seconds=14, rate="25", sound=False)
    facts = probe.probe(path)
    plan = ladder.plan(facts)
    assert facts.picture

    def run(numbers: range) -> tuple[bytes, list[boxes.Fragment]]:
        assert facts.picture
        with ffmpeg.Process(ffmpeg.binary(""), ffmpeg.pictures(path, facts.picture, plan, numbers), ["480"]) as process:
            init, *rest = (piece for _, piece in process.pieces(lambda: None))
        assert isinstance(init, bytes)
        return init, [piece for piece in rest if isinstance(piece, boxes.Fragment)]

    whole_init, whole = run(range(plan.count))
    late_init, late = run(range(2, plan.count))
    assert whole_init == late_init
    assert [f.samples for f in whole] == [100, 100, 100, 50]
    assert [f.samples for f in late] == [100, 50]
    joined = whole_init + b"".join(
        boxes.stamped(f.data, plan.ticks(n) - f.base) for n, f in enumerate([*whole[:2], *late])
    )
    assert kit.alike(kit.frames(joined), kit.frames(path.read_bytes()))
