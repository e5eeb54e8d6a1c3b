"""Where a store may stand: in production on public addresses only, called at the very address that was checked."""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from app.channels.errors import Rejected, Unavailable

_LONGEST = 2_048
_PORTS = {"http": 80, "https": 443}
_PUBLIC_PORTS = (None, 443, 8443)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """A checked host. `address` is None where nothing had to be checked."""

    host: str
    address: str | None


def normalise(store_url: str) -> str:
    """The address without what varies. Raises Rejected(invalid_store_url)."""
    text = store_url.strip()
    if len(text) > _LONGEST or not text.isascii() or any(character <= " " or character == "\\" for character in text):
        raise _invalid("It is not a web address.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _invalid("It is not a web address.") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise _invalid("It must begin with https:// and name a host.")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise _invalid("It must not contain a login, a query or a fragment.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    suffix = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{suffix}{parts.path.rstrip('/')}"


async def check(store_url: str, *, is_production: bool) -> Target:
    """Raises Rejected(invalid_store_url) for what production must not call, Unavailable for an unknown name."""
    parts = urlsplit(store_url)
    assert parts.hostname is not None, "normalised before"
    if not is_production:
        return Target(parts.hostname, None)
    if parts.scheme != "https" or parts.port not in _PUBLIC_PORTS:
        raise _invalid("In production a store must be reached by https on port 443 or 8443.")
    addresses = await _resolve(parts)
    if not addresses:
        raise Unavailable("unresolved", "The store's name does not resolve.")
    if not all(is_public(address) for address in addresses):
        raise _invalid("It points to a private address.")
    return Target(parts.hostname, str(addresses[0]))


async def _resolve(parts: SplitResult) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [ipaddress.ip_address(entry[4][0]) for entry in found]


def is_public(address: Address) -> bool:
    """Also what is wrapped inside another address has to be public."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if address.teredo is not None:
            inner = address.teredo[1]
        if inner is not None:
            address = inner
    return address.is_global and not address.is_multicast


def _invalid(reason: str) -> Rejected:
    return Rejected("invalid_store_url", reason, meaning="invalid_store_url")
