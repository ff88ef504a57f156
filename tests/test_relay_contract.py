"""The parts of aiortc, aioice and pylibsrtp that are nobody's promise but carry the relay: each is named and tried here.

When an upgrade breaks one of these, read media_worker/relay/aiortc_hooks.py beside the new version before changing a line.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import aioice.ice
import pylibsrtp
import pytest
from aiortc import rtcdtlstransport, rtcpeerconnection, rtcrtpreceiver, rtcrtpsender, rtp
from aiortc.rtcrtptransceiver import RTCRtpTransceiver
from pylibsrtp import _binding

from media_worker.relay import aiortc_hooks, srtp

HINT = "the relay uses this private part; see media_worker/relay/aiortc_hooks.py"


def source(thing: Any) -> str:
    return inspect.getsource(thing)


def arguments(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_a_connection_makes_its_sections_by_names_we_replace() -> None:
    made = source(rtcpeerconnection.RTCPeerConnection)
    assert "sender=RTCRtpSender(sender_track or kind, dtlsTransport)" in made, HINT
    assert "receiver=RTCRtpReceiver(kind, dtlsTransport)" in made, HINT
    assert rtcpeerconnection.RTCRtpSender is rtcrtpsender.RTCRtpSender, "tests must not run with the relay's parts"


def used(text: str, name: str) -> set[str]:
    """Attributes that `text` takes of things called `name`."""
    return set(re.findall(rf"\b{name}\.(\w+)", text))


def test_ours_have_everything_a_connection_asks_of_a_section() -> None:
    text = source(rtcpeerconnection) + source(RTCRtpTransceiver).replace("self.__", "")
    sender = used(text, r"(?:transceiver\.)?sender") - {"encode"}
    receiver = used(text, r"(?:transceiver\.|t\.)?receiver")
    assert {"_ssrc", "_stream_id", "send"} <= sender
    assert {"receive", "transport"} <= receiver
    outlet, inlet = aiortc_hooks.Outlet("video", None), aiortc_hooks.Inlet("video", None)
    for name in sender - {"getStats"}:
        assert hasattr(outlet, name), f"aiortc now asks a sender for {name}: {HINT}"
    for name in receiver - {"getStats"}:
        assert hasattr(inlet, name), f"aiortc now asks a receiver for {name}: {HINT}"


@pytest.mark.parametrize(
    ("ours", "theirs", "names"),
    [
        (aiortc_hooks.Inlet, rtcrtpreceiver.RTCRtpReceiver, ["receive", "stop", "setTransport", "_set_rtcp_ssrc",
         "_handle_disconnect", "_handle_rtcp_packet", "_handle_rtp_packet"]),
        (aiortc_hooks.Outlet, rtcrtpsender.RTCRtpSender, ["send", "stop", "setTransport", "replaceTrack",
         "_handle_rtcp_packet"]),
    ],
)  # fmt: skip
def test_ours_are_called_as_theirs_are(ours: type, theirs: type, names: list[str]) -> None:
    for name in names:
        assert arguments(getattr(ours, name)) == arguments(getattr(theirs, name)), f"{theirs.__name__}.{name}: {HINT}"
        coroutine = inspect.iscoroutinefunction
        assert coroutine(getattr(ours, name)) == coroutine(getattr(theirs, name)), f"{theirs.__name__}.{name}: {HINT}"


def test_the_transport_has_what_we_use() -> None:
    transport = rtcdtlstransport.RTCDtlsTransport
    for name in ("_register_rtp_receiver", "_unregister_rtp_receiver", "_register_rtp_sender", "_unregister_rtp_sender",
                 "_send_rtp"):  # fmt: skip
        assert hasattr(transport, name), f"RTCDtlsTransport.{name}: {HINT}"
    text = source(transport)
    assert "self._tx_srtp = Session(tx_policy)" in text, HINT
    assert "await receiver._handle_rtp_packet(packet, arrival_time_ms=arrival_time_ms)" in text, HINT
    assert "await recipient._handle_rtcp_packet(packet)" in text, HINT
    router = source(rtcdtlstransport.RtpRouter)
    assert "sender._ssrc" in source(transport._register_rtp_sender), HINT
    assert "self.ssrc_table" in router, HINT


def test_ice_has_what_we_use() -> None:
    connection = aioice.ice.Connection(ice_controlling=False)
    for name in ("_nominated", "_queue", "check_incoming", "data_received"):
        assert hasattr(connection, name), f"aioice Connection.{name}: {HINT}"
    text = source(aioice.ice)
    assert "asyncio.create_task(self.query_consent())" in text, HINT
    assert arguments(connection.query_consent) == [], HINT
    assert "get_host_addresses(\n" in text, HINT
    assert "lambda: StunProtocol(self), local_addr=(address, 0)" in text, HINT
    assert arguments(aioice.ice.get_host_addresses) == ["use_ipv4", "use_ipv6"], HINT
    assert arguments(aioice.ice.Connection.check_incoming) == ["self", "message", "addr", "protocol"], HINT
    assert arguments(aioice.ice.StunProtocol.datagram_received) == ["self", "data", "addr"], HINT
    assert isinstance(aioice.ice.CandidatePair.remote_addr, property), HINT


def test_srtp_is_reached_without_copies() -> None:
    key = bytes(range(30))
    policy = pylibsrtp.Policy(key=key, ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    session = pylibsrtp.Session(policy)
    packet = bytes([0x80, 96]) + (1).to_bytes(2, "big") + bytes(4) + (5).to_bytes(4, "big") + b"a picture"
    buffer, length = _binding.ffi.new("char[]", 2048), _binding.ffi.new("int *")
    _binding.ffi.buffer(buffer)[: len(packet)] = packet
    length[0] = len(packet)
    assert _binding.lib.srtp_protect(session._srtp[0], buffer, length) == 0, HINT
    ours = bytes(_binding.ffi.buffer(buffer)[: length[0]])
    other = pylibsrtp.Session(pylibsrtp.Policy(key=key, ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND))
    assert other.unprotect(ours) == packet, HINT


def test_reports_and_statistics_are_what_we_read() -> None:
    statistics = rtcrtpreceiver.StreamStatistics(90_000)
    for number in (1, 2, 4):
        statistics.add(rtp.RtpPacket(sequence_number=number, timestamp=number * 3000))
    assert statistics.packets_lost == 1, HINT
    assert (statistics.cycles, statistics.max_seq) == (0, 4), HINT
    assert 0 < statistics.fraction_lost < 256, HINT
    nack = rtp.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=[3, 65535])
    [parsed] = rtp.RtcpPacket.parse(bytes(nack))
    assert isinstance(parsed, rtp.RtcpRtpfbPacket), HINT
    assert parsed.lost == [3, 65535], HINT
    assert rtp.unpack_remb_fci(rtp.pack_remb_fci(2_500_000, [7]))[1] == [7], HINT


def test_the_pinned_codecs_exist() -> None:
    [first, *others] = aiortc_hooks.codecs("video")
    assert first.parameters["profile-level-id"] == "42e01f"
    assert first.parameters["packetization-mode"] == "1"
    assert others[-1].name == "rtx"
    assert [codec.name for codec in aiortc_hooks.codecs("audio")] == ["opus"]


def test_a_run_of_packets_is_cut_by_this_kernel_or_not_used() -> None:
    assert srtp.segments() in (True, False)
    packets = [bytes([0x80]) + bytes(11) + bytes([n]) * size for n, size in enumerate((900, 880, 900, 100, 890, 50))]
    runs = srtp.cut_runs(packets)
    assert [packet[12] for run in runs for packet in run] == [0, 1, 2, 3, 4, 5]
    for run in runs:
        assert len({len(packet) for packet in run[:-1]}) <= 1
        assert len(run[-1]) <= len(run[0])
        for packet in run:
            assert not packet[0] & 0x20 or set(packet[-packet[-1] : -1]) <= {0}
