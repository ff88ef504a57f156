"""Live streams as the database knows them: what a stream may do now, which node carries it, and what it has recorded.

The web process orders (`set_state`), relay and packager of one node obey: they ask `orders` twice a second. A stream
belongs to one node at a time; `epoch` grows with every change of hands and fences off whoever held it before.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.db import Database
from school.core.errors import Conflict, NotAllowed, NotFound, Unavailable
from school.core.i18n import N_
from school.core.lease import database_now
from school.core.time import now
from school.media import service
from school.media.models import Segment, Stream, StreamNode, StreamState, Timeline
from school.media.rules import Rendition

NODE_LEASE = timedelta(seconds=4)  # a node that has not spoken for so long may lose its streams
SENDING = (StreamState.REHEARSAL, StreamState.LIVE, StreamState.PAUSED)  # states in which a publisher may connect


@dataclass(frozen=True, slots=True)
class Node:
    """Where a node answers, as it says of itself; `viewers` are the seats that are taken now."""

    name: str
    relay_url: str
    packager_url: str
    seats: int
    viewers: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """What a node has to do with one of its streams."""

    stream_id: int
    state: StreamState
    epoch: int
    timeline_id: int | None
    camera_timeline_id: int | None
    speakers: Mapping[str, int] = field(default_factory=dict)  # part → the only account that may send it
    key_hash: str | None = None  # a new stream key parts from whoever came with the one before


@dataclass(frozen=True, slots=True)
class Recorded:
    """The number and run that come next on a recording, and its length in microseconds."""

    number: int = 0
    run: int = 0
    length_us: int = 0


class StreamLost(Conflict):
    """Another node carries the stream now; whatever was about to be written must not be."""

    def __init__(self, stream_id: int) -> None:
        super().__init__("stream.lost", N_("这堂课已经由另一台服务器接着转播。"), stream_id=stream_id)


def no_stream() -> NotFound:
    return NotFound("stream.none", N_("没有找到这场直播，可能已经取消。"))


# ── what the web process says ─────────────────────────────


def open_stream(s: Session) -> Stream:
    """A new closed stream."""
    stream = Stream(state=StreamState.CLOSED, epoch=0, created_at=now(), changed_at=now())
    s.add(stream)
    s.flush()
    return stream


def stream(s: Session, stream_id: int, *, lock: bool = False) -> Stream:
    """The stream, or NotFound (`stream.none`)."""
    found = s.get(Stream, stream_id, with_for_update=lock)
    if found is None:
        raise no_stream()
    return found


def set_state(s: Session, stream_id: int, state: StreamState) -> Stream:
    """Order a state; a stream that has ended or was stopped stays so."""
    found = stream(s, stream_id, lock=True)
    if found.state in (StreamState.ENDED, StreamState.STOPPED) and state != StreamState.STOPPED:
        raise Conflict("stream.over", N_("这堂课已经结束，不能再开始。需要时请重新安排一堂课。"))
    found.state, found.changed_at = state, now()
    return found


def stopped_timelines(s: Session) -> frozenset[int]:
    """The recordings of every stream that 停播 has closed."""
    rows = s.execute(
        sa.select(Stream.timeline_id, Stream.camera_timeline_id).where(Stream.state == StreamState.STOPPED)
    ).all()
    return frozenset(timeline_id for row in rows for timeline_id in row if timeline_id is not None)


def set_speakers(s: Session, stream_id: int, speakers: Mapping[int, int]) -> None:
    """Who may send the sound of which slot (1 to 3), by account; the node parts from everybody else who does."""
    stream(s, stream_id, lock=True).speakers = {f"speak-{slot}": account for slot, account in speakers.items()}


def new_key(s: Session, stream_id: int) -> str:
    """A fresh stream key for OBS or ffmpeg, shown once; the one before stops working at once."""
    found = stream(s, stream_id, lock=True)
    secret = secrets.token_urlsafe(18)
    found.key_hash = _digest(secret)
    return f"k-{stream_id}-{secret}"


def stream_of_key(s: Session, key: str) -> Stream:
    """The stream a key opens, or NotAllowed (`stream.key`)."""
    _, _, rest = key.partition("k-")
    number, _, secret = rest.partition("-")
    found = s.get(Stream, int(number)) if number.isdecimal() and len(number) < 18 else None
    if found is None or found.key_hash is None or not secrets.compare_digest(found.key_hash, _digest(secret)):
        raise NotAllowed("stream.key", N_("直播码不对或者已经换过。请到讲师台重新复制直播码。"))
    return found


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def carrier(s: Session, stream_id: int) -> StreamNode | None:
    """The living node that carries the stream; None while none does."""
    return s.scalar(
        sa.select(StreamNode)
        .join(Stream, Stream.node == StreamNode.name)
        .where(Stream.id == stream_id, StreamNode.until > database_now(s))
    )


def living(s: Session) -> list[str]:
    """Names of the nodes that live, in order."""
    return list(
        s.scalars(sa.select(StreamNode.name).where(StreamNode.until > database_now(s)).order_by(StreamNode.name))
    )


def choose(s: Session, stream_id: int) -> StreamNode:
    """The node that a publisher or viewer should be led to: the carrier, else the living one with most free seats."""
    if found := carrier(s, stream_id):
        return found
    free = s.scalars(
        sa.select(StreamNode)
        .where(StreamNode.until > database_now(s))
        .order_by((StreamNode.seats - StreamNode.viewers).desc(), StreamNode.name)
        .limit(1)
    ).first()
    if free is None:
        raise Unavailable("stream.no_node", N_("直播服务正在启动或暂时中断，马上会自动再试，请不要离开。"))
    return free


# ── what a node says ────────────────────────────────────


def announce(db: Database, node: Node) -> None:
    """The node lives; call it every second. Its streams stay its own for `NODE_LEASE` after the last call."""
    with db.write() as s:
        until = database_now(s) + NODE_LEASE
        s.merge(StreamNode(
            name=node.name, relay_url=node.relay_url, packager_url=node.packager_url, seats=node.seats,
            viewers=node.viewers, until=until,
        ))  # fmt: skip


def withdraw(db: Database, name: str) -> None:
    """The node stops cleanly: its streams may be taken over at once."""
    with db.write() as s:
        s.execute(sa.update(StreamNode).where(StreamNode.name == name).values(until=database_now(s)))


def take(db: Database, stream_id: int, name: str) -> Order:
    """Carry the stream from now on, when no other living node does; again by the carrier changes nothing.

    Raises NotFound, Conflict (`stream.elsewhere`, `stream.not_open`).
    """
    with db.write() as s:
        found = stream(s, stream_id, lock=True)
        if found.state not in SENDING:
            raise Conflict("stream.not_open", N_("这堂课现在没有开放直播。请在讲师台先点“彩排”或“开始上课”。"))
        if found.node != name:
            other = carrier(s, stream_id)
            if other is not None:
                raise Conflict("stream.elsewhere", N_("这堂课由另一台服务器转播，正在转过去。"), node=other.name)
            found.node, found.epoch = name, found.epoch + 1
        return _order(found)


def orders(db: Database, name: str) -> dict[int, Order]:
    """What this node has to do, by stream; a stream that ended stays in it until `finish`."""
    with db.read() as s:
        rows = s.scalars(sa.select(Stream).where(Stream.node == name, Stream.finished_at.is_(None)))
        return {row.id: _order(row) for row in rows}


def _order(row: Stream) -> Order:
    return Order(
        row.id, StreamState(row.state), row.epoch, row.timeline_id, row.camera_timeline_id, dict(row.speakers), row.key_hash
    )  # fmt: skip


def hold(s: Session, stream_id: int, name: str, epoch: int) -> Stream:
    """Make everything else this transaction writes depend on still carrying the stream; raises StreamLost."""
    found = stream(s, stream_id, lock=True)
    if (found.node, found.epoch) != (name, epoch):
        raise StreamLost(stream_id)
    return found


def begin_recording(s: Session, held: Stream, renditions: list[Rendition], *, camera: bool = False) -> Timeline:
    """The growing timeline of the class, or of its camera picture beside a shared screen; made at its first use.

    The largest picture that a rendition has had describes it.
    """
    known = held.camera_timeline_id if camera else held.timeline_id
    if known is not None:
        timeline = s.get_one(Timeline, known)
        before = {one["name"]: one for one in timeline.renditions}
        larger = [asdict(one) for one in renditions if one.width >= before.get(one.name, {"width": 0})["width"]]
        timeline.renditions = list((before | {one["name"]: one for one in larger}).values())
        return timeline
    timeline = service.new_timeline(s, None, 0, renditions)
    if camera:
        held.camera_timeline_id = timeline.id
    else:
        held.timeline_id = timeline.id
    return timeline


def recorded(s: Session, timeline_id: int | None) -> Recorded:
    """How far a recording has come; nothing yet without a timeline."""
    if timeline_id is None:
        return Recorded()
    renditions = s.get_one(Timeline, timeline_id).renditions
    number, run, length_us = s.execute(
        sa.select(sa.func.max(Segment.number), sa.func.max(Segment.run), sa.func.sum(Segment.length_us)).where(
            Segment.timeline_id == timeline_id, Segment.rendition == (renditions[0]["name"] if renditions else "")
        )
    ).one()
    return Recorded() if number is None else Recorded(number + 1, run + 1, int(length_us))


def finish(s: Session, held: Stream) -> None:
    """Everything recorded is stored: seal the timelines. What was stopped is sealed too; it may still be looked into."""
    for timeline_id in (held.timeline_id, held.camera_timeline_id):
        if timeline_id is not None:
            service.seal_timeline(s, timeline_id)
    held.finished_at = now()
