"""The one file that touches private parts of aiortc, aioice and pylibsrtp: packets come in and go out without decoding.

`RTCPeerConnection` makes an `Inlet` and an `Outlet` for each media section instead of its own receiver and sender, so
that nothing is ever decoded, encoded or queued per viewer. tests/test_relay_contract.py names every part used here and
fails in plain words when a new version has changed one.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import socket
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import aioice.ice
import structlog
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    rtcpeerconnection,
    sdp,
)
from aiortc.codecs import CODECS, is_rtx
from aiortc.rtcrtpparameters import RTCRtpCodecCapability, RTCRtpCodecParameters
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtcrtpsender import RTCRtpSender
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
    unwrap_rtx,
)
from pylibsrtp import _binding

from media_worker.relay.gaps import Gaps

log = structlog.get_logger()

ffi, lib = _binding.ffi, _binding.lib
QUEUE = 1024  # datagrams of one peer that wait for the event loop; more are dropped
BITRATE = 2_500_000  # bit/s that a publisher is told the line carries: aiortc's own estimate throttles it to a third
H264 = "42e01f"  # constrained baseline 3.1, packetization mode 1: what every browser sends and plays
SECOND = 65536  # units of a report's `dlsr`


def install(addresses: list[str]) -> None:
    """Put our parts in place, once a process; peers are answered on `addresses` only."""
    vars(aioice.ice).update(get_host_addresses=lambda use_ipv4, use_ipv6: addresses, StunProtocol=Door)
    vars(rtcpeerconnection).update(RTCRtpReceiver=Inlet, RTCRtpSender=Outlet)


class Door(aioice.ice.StunProtocol):
    """A peer's UDP port: what does not come from the peer, or comes faster than it is handled, is dropped and counted."""

    refused = 0  # of all ports

    def datagram_received(self, data: Any, addr: tuple[Any, ...]) -> None:
        """Media straight to the peer's queue; only what may be STUN (RFC 7983) is looked at as STUN."""
        connection = self.receiver
        try:
            if not data or data[0] < 4:
                super().datagram_received(data, addr)
                return
            pair = connection._nominated.get(1)
            if (pair is not None and pair.remote_addr != addr[:2]) or connection._queue.qsize() >= QUEUE:
                Door.refused += 1
                return
            connection.data_received(data, 1)
        except Exception as error:  # whatever a stranger sends must not reach the event loop's handler
            Door.refused += 1
            log.info("a datagram was refused", trouble=repr(error)[:200])


class Inlet:
    """A publisher's media section, in place of aiortc's receiver: mends losses, reports, and hands every packet on.

    `on_packet(sequence, timestamp, marker, payload)` gets original packets as they come, with retransmissions
    unwrapped; `on_report(ntp, timestamp)` gets each sender report. Their faults are counted here, never passed on:
    an exception would silently end the publisher's transport.
    """

    def __init__(self, kind: str, transport: Any) -> None:
        self.kind, self.transport = kind, transport
        self.track: Any = None
        self.codec: RTCRtpCodecParameters | None = None
        self.on_packet: Callable[[int, int, int, bytes], None] = lambda sequence, timestamp, marker, payload: None
        self.on_report: Callable[[int, int], None] = lambda ntp, timestamp: None
        self.on_heard: Callable[[], None] = lambda: None
        self.faults = 0
        self.ssrc: int | None = None  # of the media, once a packet came
        self.statistics: StreamStatistics | None = None
        self._enabled = True
        self._own_ssrc = 0
        self._codecs: dict[int, RTCRtpCodecParameters] = {}
        self._repairs: dict[int, int] = {}  # SSRC of retransmissions → SSRC of what they repair
        self._gaps = Gaps()
        self._report: tuple[int, float] | None = None  # middle of the last sender report's NTP, when it came
        self._task: asyncio.Task[None] | None = None

    # ── what RTCPeerConnection and RTCDtlsTransport call ──────────

    @property
    def _track(self) -> Any:
        return self.track

    @_track.setter
    def _track(self, track: Any) -> None:
        self.track = track

    def setTransport(self, transport: Any) -> None:  # noqa: N802
        self.transport = transport

    def _set_rtcp_ssrc(self, ssrc: int) -> None:
        self._own_ssrc = ssrc

    async def receive(self, parameters: Any) -> None:
        if self._task is not None:
            return
        self._codecs = {codec.payloadType: codec for codec in parameters.codecs}
        self.codec = next((codec for codec in parameters.codecs if not is_rtx(codec)), None)
        self._repairs = {one.rtx.ssrc: one.ssrc for one in parameters.encodings if one.rtx}
        self.transport._register_rtp_receiver(self, parameters)
        self._task = asyncio.create_task(self._speak())

    async def stop(self) -> None:
        if self._task is not None:
            self.transport._unregister_rtp_receiver(self)
            self._task.cancel()

    def _handle_disconnect(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        self.on_heard()
        if isinstance(packet, RtcpSrPacket):
            info = packet.sender_info
            self._report = ((info.ntp_timestamp >> 16) & 0xFFFFFFFF, asyncio.get_running_loop().time())
            self._safely(self.on_report, info.ntp_timestamp, info.rtp_timestamp)

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        codec = self._codecs.get(packet.payload_type)
        if codec is None:
            return
        if is_rtx(codec):
            original, apt = self._repairs.get(packet.ssrc), codec.parameters.get("apt")
            if original is None or len(packet.payload) < 2 or not isinstance(apt, int) or apt not in self._codecs:
                return
            packet = unwrap_rtx(packet, payload_type=apt, ssrc=original)
        else:
            if packet.ssrc != self.ssrc:  # the first packet, or an encoder that began anew
                self.ssrc, self.statistics, self._gaps = packet.ssrc, StreamStatistics(codec.clockRate), Gaps()
            self.statistics.add(packet)  # type: ignore[union-attr]
        self.on_heard()
        if self.kind == "video":
            lost = self._gaps.saw(packet.sequence_number, asyncio.get_running_loop().time())
            if lost:
                await self._feed_back(RtcpRtpfbPacket(fmt=1, ssrc=self._own_ssrc, media_ssrc=packet.ssrc, lost=lost))
        if packet.payload:  # without one it only probes the line
            self._safely(self.on_packet, packet.sequence_number, packet.timestamp, packet.marker, packet.payload)

    # ── ours ─────────────────────────────────

    def ask_key(self) -> None:
        """Ask the publisher for a key frame."""
        if self.ssrc is not None:
            packet = RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=self._own_ssrc, media_ssrc=self.ssrc)
            _at_once(self._feed_back(packet))

    @property
    def lost(self) -> int:
        """Packets lost on the way so far; some of them were mended."""
        return self.statistics.packets_lost if self.statistics is not None else 0

    def _safely(self, call: Callable[..., None], *values: Any) -> None:
        try:
            call(*values)
        except Exception as error:
            self.faults += 1
            if self.faults < 10 or self.faults % 1000 == 0:
                log.exception("a packet was not handled", kind=self.kind, faults=self.faults, exc_info=error)

    async def _speak(self) -> None:
        """Twice a second what was received, and for pictures the bit rate that may be sent."""
        while True:
            await asyncio.sleep(0.5)
            if self.ssrc is None or self.statistics is None:
                continue
            lsr, dlsr = 0, 0
            if self._report is not None:
                lsr, since = self._report
                dlsr = int((asyncio.get_running_loop().time() - since) * SECOND) & 0xFFFFFFFF
            seen = self.statistics
            info = RtcpReceiverInfo(
                ssrc=self.ssrc, fraction_lost=seen.fraction_lost, packets_lost=seen.packets_lost,
                highest_sequence=(seen.cycles + (seen.max_seq or 0)) & 0xFFFFFFFF, jitter=seen.jitter, lsr=lsr, dlsr=dlsr,
            )  # fmt: skip
            await self._feed_back(RtcpRrPacket(ssrc=self._own_ssrc, reports=[info]))
            if self.kind == "video":
                words = pack_remb_fci(BITRATE, [self.ssrc])
                await self._feed_back(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=self._own_ssrc, media_ssrc=0, fci=words))

    async def _feed_back(self, packet: Any) -> None:
        try:
            await self.transport._send_rtp(bytes(packet))
        except ConnectionError:
            pass


class Outlet:
    """A viewer's media section, in place of aiortc's sender: knows what was negotiated, sends nothing by itself."""

    def __init__(self, kind: Any, transport: Any) -> None:
        self.kind, self.transport = kind, transport
        self.track = None
        self.payload_type = 0
        self.repair_type: int | None = None  # payload type of retransmissions, when the viewer takes them
        self.on_ready: Callable[[], None] = lambda: None
        self.on_feedback: Callable[[Any], None] = lambda packet: None
        self._ssrc, self._rtx_ssrc = random.getrandbits(32), random.getrandbits(32)
        self._stream_id, self._track_id = str(uuid.uuid4()), str(uuid.uuid4())
        self._enabled = True
        self._sending = False

    def name(self, *, group: str, ssrc: int, repair_ssrc: int) -> None:
        """How the answer names it: sections of one `group` are played in step. Before the answer is made."""
        self._stream_id, self._ssrc, self._rtx_ssrc = group, ssrc, repair_ssrc

    @property
    def ssrc(self) -> int:
        return self._ssrc

    @property
    def repair_ssrc(self) -> int:
        return self._rtx_ssrc

    def replaceTrack(self, track: Any) -> None:  # noqa: N802
        raise NotImplementedError("a relay sends no tracks")

    def setTransport(self, transport: Any) -> None:  # noqa: N802
        self.transport = transport

    async def send(self, parameters: Any) -> None:
        if self._sending:
            return
        self._sending = True
        self.payload_type = parameters.codecs[0].payloadType
        self.repair_type = next(
            (c.payloadType for c in parameters.codecs if is_rtx(c) and c.parameters.get("apt") == self.payload_type),
            None,
        )
        self.transport._register_rtp_sender(self, parameters)
        self.on_ready()

    async def stop(self) -> None:
        if self._sending:
            self.transport._unregister_rtp_sender(self)
            self._sending = False

    async def _handle_rtcp_packet(self, packet: Any) -> None:
        self.on_feedback(packet)


class Peer:
    """Where a connected viewer is: its SRTP session, its socket and its address."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._tx = transport._tx_srtp  # keeps `session` alive
        self.session = self._tx._srtp[0]
        pair = transport.transport._connection._nominated[1]
        self.address: tuple[str, int] = pair.remote_addr
        self.socket = socket.socket(fileno=os.dup(pair.protocol.transport.get_extra_info("socket").fileno()))
        self.socket.setblocking(False)
        self._protocol = pair.protocol

    def moved(self) -> bool:
        """Whether the viewer is now reached over another port or address; `address` follows when only that changed."""
        pair = self._transport.transport._connection._nominated.get(1)
        if pair is None or pair.protocol is not self._protocol:
            return True
        self.address = pair.remote_addr
        return False

    def close(self) -> None:
        self.socket.close()

    def send_rtcp(self, data: bytes) -> None:
        """Protect and send; silently not when the socket is full."""
        try:
            self.socket.sendto(self._tx.protect_rtcp(data), self.address)
        except OSError:
            pass


def _at_once(work: Awaitable[None]) -> None:
    """Run a coroutine that never really waits (aioice's send)."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration:
        return
    raise RuntimeError("aiortc's send has begun to wait")


# ── connections ─────────────────────────────────────


def connection() -> RTCPeerConnection:
    """A connection without STUN or TURN servers: the peer comes to us."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))


def on_checked(pc: RTCPeerConnection, heard: Callable[[], None]) -> None:
    """Call `heard` at every authenticated connectivity check of the peer, and ask none of our own once connected.

    aioice would end a connection whose peer answers no checks, as ffmpeg's does after 35 seconds although its packets
    come; who is dead is decided by what was last heard of him.
    """
    ice = pc.getTransceivers()[0].receiver.transport.transport._connection
    check = ice.check_incoming

    def checked(message: Any, addr: Any, protocol: Any) -> None:
        heard()
        check(message, addr, protocol)

    async def ask_nothing() -> None:
        return

    vars(ice).update(check_incoming=checked, query_consent=ask_nothing)


def parse(offer: str) -> sdp.SessionDescription:
    """The offer, or ValueError."""
    try:
        return sdp.SessionDescription.parse(offer)
    except Exception as error:
        raise ValueError("not an offer") from error


def common_codecs(media: sdp.MediaDescription) -> list[str]:
    """What of a section both sides speak, in lower case: `opus`, `h264`, `vp8`."""
    common = rtcpeerconnection.find_common_codecs(CODECS[media.kind], media.rtp.codecs)
    return sorted({codec.name.lower() for codec in common} & {"opus", "h264", "vp8"})


def codecs(kind: str, *, vp8: bool = False) -> list[RTCRtpCodecCapability]:
    """What a section is pinned to: Opus, or H.264 with retransmission (VP8 when it will be turned into H.264)."""
    known = RTCRtpSender.getCapabilities(kind).codecs
    if kind == "audio":
        return [codec for codec in known if codec.name.lower() == "opus"]
    wanted = [codec for codec in known if codec.name == ("VP8" if vp8 else "H264")]
    wanted.sort(key=lambda codec: codec.parameters.get("profile-level-id") != H264)
    return [*wanted, *(codec for codec in known if codec.name == "rtx")]


async def answer(pc: RTCPeerConnection, offer: str, advertise: str) -> str:
    """Answer the peer. Its own candidates are not used: it comes to us, and nobody can point us at a third party."""
    await pc.setRemoteDescription(RTCSessionDescription(sdp=uncandidated(offer), type="offer"))
    await pc.setLocalDescription(await pc.createAnswer())
    return advertised(pc.localDescription.sdp, advertise)


def uncandidated(offer: str) -> str:
    """The offer without candidates; its lines are what aiortc takes for lines, which end at more signs than a line feed."""
    lines = (line for line in offer.splitlines() if not line.startswith(("a=candidate:", "a=end-of-candidates")))
    return "".join(f"{line}\r\n" for line in lines)


def advertised(answer: str, address: str) -> str:
    """The answer with every candidate at `address`, when the relay is known by another than its own."""
    if not address:
        return answer
    answer = re.sub(r"(?m)^(a=candidate:\S+ \d+ \S+ \d+ )\S+", rf"\g<1>{address}", answer)
    version = "IP6" if ":" in address else "IP4"
    return re.sub(r"(?m)^c=IN IP[46] \S+", f"c=IN {version} {address}", answer)
