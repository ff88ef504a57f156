"""On which addresses of this machine peers are answered, and by which address they are told to come."""

from __future__ import annotations

import ipaddress
import socket

import ifaddr

MOST = 4  # addresses; each costs every viewer a socket


def listen_on(advertise: str) -> tuple[list[str], str]:
    """Addresses to bind, and the address to write into answers (empty: those themselves).

    `advertise` is an address of this machine, or one that a router translates to it.
    Raises ValueError when it is no IP address.
    """
    if advertise:
        version = ipaddress.ip_address(advertise).version
        if _ours(advertise, version):
            return [advertise], ""
        return ["::" if version == 6 else "0.0.0.0"], advertise
    found = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            address = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            known = ipaddress.ip_address(address)
            if not (known.is_loopback or known.is_link_local):
                found.append(address)
    found.sort(key=lambda address: ":" in address)  # IPv4 first
    return found[:MOST] or ["127.0.0.1"], ""


def _ours(address: str, version: int) -> bool:
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
