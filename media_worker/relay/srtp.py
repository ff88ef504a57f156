"""The way out to one viewer: protect with the viewer's key, send on its socket; and a run of packets in one system call."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Sequence

from media_worker.relay.aiortc_hooks import Peer, ffi, lib

_ONE = ffi.new("char[]", 2048)
_one = memoryview(ffi.buffer(_ONE))
_RUN = ffi.new("char[]", 65536)
_run = memoryview(ffi.buffer(_RUN))
_LENGTH = ffi.new("int *")
_protect = lib.srtp_protect

LARGEST = 1500  # bytes of a packet before protection
UDP_SEGMENT = 103  # Linux: <linux/udp.h>
RUN = 40  # packets of one system call; the kernel takes 64
ALIKE = 60  # bytes by which packets of a run may differ in length: the shorter ones are padded


class Way:
    """One viewer's connection as the fan-out sees it."""

    __slots__ = ("address", "dropped", "peer", "send_run", "send_to", "session")

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.session = peer.session
        self.address = peer.address
        self.send_to = peer.socket.sendto
        self.send_run = peer.socket.sendmsg
        self.dropped = 0  # packets the socket did not take

    def close(self) -> None:
        self.peer.close()


def fan_out(data: bytes, ways: Iterable[Way]) -> None:
    """Send one packet to all; what a full socket does not take is dropped and counted, nobody waits."""
    size = len(data)
    if size > LARGEST:
        return
    for way in ways:
        _LENGTH[0] = size
        _one[:size] = data
        if _protect(way.session, _ONE, _LENGTH):
            way.dropped += 1
            continue
        try:
            way.send_to(_one[: _LENGTH[0]], way.address)
        except OSError:
            way.dropped += 1


def fan_out_runs(runs: Sequence[Sequence[bytes]], ways: Iterable[Way]) -> None:
    """Send runs of packets (see `cut_runs`) to all, each run with one system call."""
    for way in ways:
        session = way.session
        for run in runs:
            end, step = 0, 0
            for data in run:
                size = len(data)
                _LENGTH[0] = size
                _run[end : end + size] = data
                if _protect(session, _RUN + end, _LENGTH):
                    break
                end += _LENGTH[0]
                step = step or end
            try:
                if end > step:
                    way.send_run([_run[:end]], [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("=H", step))], 0, way.address)
                else:
                    way.send_to(_run[:end], way.address)
            except OSError:
                way.dropped += len(run)


def cut_runs(packets: Sequence[bytes]) -> list[list[bytes]]:
    """Packets of one frame, in their order, as runs of equal length (RTP padding) whose last packet may be shorter."""
    runs: list[list[bytes]] = []
    current: list[bytes] = []
    longest = 0
    closed = True  # by a shorter packet
    for packet in packets:
        size = len(packet)
        if closed or len(current) >= RUN or size > longest + ALIKE:
            current = [packet]
            runs.append(current)
            longest, closed = size, False
        else:
            current.append(packet)
            closed = size < longest - ALIKE
            longest = max(longest, size)
    return [_even(run) for run in runs]


def _even(run: list[bytes]) -> list[bytes]:
    longest = max(map(len, run))
    return [_padded(packet, longest - len(packet)) for packet in run[:-1]] + run[-1:]


def _padded(packet: bytes, padding: int) -> bytes:
    if not padding:
        return packet
    return bytes([packet[0] | 0x20]) + packet[1:] + bytes(padding - 1) + bytes([padding])


def segments() -> bool:
    """Whether this kernel cuts a run into datagrams itself (UDP_SEGMENT)."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here,
    ):
        there.bind(("127.0.0.1", 0))
        there.settimeout(0.2)
        try:
            here.sendmsg([b"aabb"], [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("=H", 2))], 0, there.getsockname())
            return there.recv(16) == b"aa" and there.recv(16) == b"bb"
        except OSError:
            return False
