"""`python relay_swarm.py`: many viewers in one process. ICE and DTLS are real; packets are counted and not decrypted.

Reads a job from standard input (`{"kind": "whep" | "janus", "url", "tokens": […], "address", "seconds"}`), prints
`connected`, waits for a line, counts for `seconds`, and prints what it saw as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import aioice.ice
import uvloop
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtcrtpsender import RTCRtpSender
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

AT_ONCE = 4  # connections that come about at the same time


@dataclass
class Flow:
    """One SSRC of one viewer, as its numbers came in."""

    first: int
    highest: int
    cycles: int = 0
    packets: int = 1
    octets: int = 0

    def saw(self, sequence: int, octets: int) -> None:
        if (sequence - self.highest) & 0xFFFF < 0x8000:
            self.cycles += 65536 if sequence < self.highest else 0
            self.highest = sequence
        self.packets += 1
        self.octets += octets

    @property
    def lost(self) -> int:
        return self.cycles + self.highest - self.first + 1 - self.packets


@dataclass
class Counted:
    """A viewer's flows; the first viewer also decrypts, to see that what comes is sound."""

    flows: dict[bytes, Flow] = field(default_factory=dict)
    transport: Any = None
    sound: int = 0
    unsound: int = 0

    def saw(self, data: bytes) -> None:
        sequence, ssrc = int.from_bytes(data[2:4], "big"), data[8:12]
        flow = self.flows.get(ssrc)
        if flow is None:
            self.flows[ssrc] = Flow(sequence, sequence, octets=len(data))
        else:
            flow.saw(sequence, len(data))
        if self.transport is not None and self.transport._rx_srtp is not None:
            try:
                self.transport._rx_srtp.unprotect(data)
                self.sound += 1
            except Exception:
                self.unsound += 1


COUNTED: dict[Any, Counted] = {}


class Counting(aioice.ice.StunProtocol):
    """Media is counted as it arrives and goes no further."""

    def datagram_received(self, data: Any, addr: tuple[Any, ...]) -> None:
        if len(data) > 12 and 127 < data[0] < 192 and not 192 <= data[1] <= 208:
            COUNTED.setdefault(self.receiver, Counted()).saw(data)
        else:
            super().datagram_received(data, addr)


async def _receive(self: Any, parameters: Any) -> None:
    """In place of aiortc's: no decoder, no jitter buffer."""
    self.transport._register_rtp_receiver(self, parameters)


def _h264() -> list[Any]:
    known = RTCRtpSender.getCapabilities("video").codecs
    return [c for c in known if c.parameters.get("profile-level-id") == "42e01f" or c.name == "rtx"]


async def _report(pc: RTCPeerConnection) -> None:
    """A receiver report a second, as browsers send them."""
    transport = pc.getTransceivers()[0].receiver.transport
    own = random.getrandbits(31)
    await asyncio.sleep(random.random())
    while True:
        await asyncio.sleep(1)
        flows = COUNTED.setdefault(transport.transport._connection, Counted()).flows
        reports = [
            RtcpReceiverInfo(
                ssrc=int.from_bytes(ssrc, "big"), fraction_lost=0, packets_lost=max(0, min(flow.lost, 2**23 - 1)),
                highest_sequence=(flow.cycles + flow.highest) & 0xFFFFFFFF, jitter=0, lsr=0, dlsr=0,
            )
            for ssrc, flow in flows.items()
        ]  # fmt: skip
        if transport.state == "connected":
            await transport._send_rtp(bytes(RtcpRrPacket(ssrc=own, reports=reports[:8])))


async def _by_whep(http: aiohttp.ClientSession, pc: RTCPeerConnection, job: dict[str, Any], token: str) -> None:
    for kind, sections in (("audio", 4), ("video", 3)):
        for _ in range(sections):
            transceiver = pc.addTransceiver(kind, direction="recvonly")
            if kind == "video":
                transceiver.setCodecPreferences(_h264())
    await pc.setLocalDescription(await pc.createOffer())
    headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}
    async with http.post(job["url"], data=pc.localDescription.sdp, headers=headers) as answer:
        if answer.status != 201:
            raise RuntimeError(await answer.text())
        await pc.setRemoteDescription(RTCSessionDescription(await answer.text(), "answer"))


async def _by_janus(http: aiohttp.ClientSession, pc: RTCPeerConnection, job: dict[str, Any], token: str) -> None:
    """Janus's streaming plugin over its HTTP interface: it offers, we answer."""

    async def post(url: str, **words: Any) -> Any:
        async with http.post(url, json={**words, "transaction": f"t{random.getrandbits(30)}"}) as answer:
            return await answer.json(content_type=None)

    session = f"{job['url']}/{(await post(job['url'], janus='create'))['data']['id']}"

    async def event() -> Any:
        while True:
            async with http.get(session) as answer:
                found = await answer.json(content_type=None)
            if found["janus"] != "keepalive":
                return found

    attached = await post(session, janus="attach", plugin="janus.plugin.streaming")
    handle = f"{session}/{attached['data']['id']}"
    await post(handle, janus="message", body={"request": "watch", "id": 1})
    while "jsep" not in (found := await event()):
        pass
    await pc.setRemoteDescription(RTCSessionDescription(found["jsep"]["sdp"], "offer"))
    await pc.setLocalDescription(await pc.createAnswer())
    jsep = {"type": "answer", "sdp": pc.localDescription.sdp}
    await post(handle, janus="message", body={"request": "start"}, jsep=jsep)
    await post(handle, janus="trickle", candidate={"completed": True})

    async def stay() -> None:
        while True:
            try:
                await event()
            except (aiohttp.ClientError, ValueError):
                await asyncio.sleep(1)

    _TASKS.append(asyncio.create_task(stay()))


_TASKS: list[asyncio.Task[None]] = []


async def _one(
    http: aiohttp.ClientSession, job: dict[str, Any], token: str, gate: asyncio.Semaphore
) -> RTCPeerConnection:
    async with gate:
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        await (_by_janus if job["kind"] == "janus" else _by_whep)(http, pc, job, token)
        until = time.monotonic() + 30
        while pc.connectionState != "connected":
            if time.monotonic() > until:
                raise RuntimeError(f"a viewer did not connect: {pc.connectionState}")
            await asyncio.sleep(0.05)
    _TASKS.append(asyncio.create_task(_report(pc)))
    return pc


def _snap() -> tuple[int, int, int, float, float]:
    flows = [flow for counted in COUNTED.values() for flow in counted.flows.values()]
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (
        sum(flow.packets for flow in flows), sum(flow.octets for flow in flows), sum(flow.lost for flow in flows),
        time.monotonic(), used.ru_utime + used.ru_stime,
    )  # fmt: skip


async def main() -> None:
    job = json.loads(sys.stdin.readline())
    vars(aioice.ice).update(get_host_addresses=lambda use_ipv4, use_ipv6: [job["address"]], StunProtocol=Counting)
    RTCRtpReceiver.receive = _receive  # type: ignore[method-assign]
    gate = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None), connector=aiohttp.TCPConnector(limit=0)
    ) as http:
        viewers = await asyncio.gather(*(_one(http, job, token, gate) for token in job["tokens"]))
        transport = viewers[0].getTransceivers()[0].receiver.transport
        first = COUNTED.setdefault(transport.transport._connection, Counted())
        first.transport = transport
        print("connected", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        before = _snap()
        await asyncio.sleep(job["seconds"])
        after = _snap()
        wall, many = after[3] - before[3], len(viewers)
        print(json.dumps({
            "viewers": many,
            "packets_per_s": round((after[0] - before[0]) / wall / many, 1),
            "kbps": round((after[1] - before[1]) * 8 / wall / many / 1000),
            "lost": after[2] - before[2],
            "swarm_cpu": round((after[4] - before[4]) / wall, 3),
            "decrypted": first.sound,
            "unsound": first.unsound,
            "srtp": transport._ssl.get_selected_srtp_profile().decode(),
        }), flush=True)  # fmt: skip
        os._exit(0)


if __name__ == "__main__":
    uvloop.run(main())
