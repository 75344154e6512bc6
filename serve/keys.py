"""API keys, stored as SHA-256, and access without keys.

    python -m serve.keys NAME     # print a new key, and its line for the server's keys file

A key is 32 random bytes (`new_key`), so its hash needs neither salt nor stretching. Without keys only requests from
this machine are served: the connection's address must be loopback, and so must the requested host name, so that a web
page cannot reach the endpoint through a host name that resolves to this machine (DNS rebinding).
"""

import hmac
import ipaddress
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from drumline.core.artifacts import STORAGE_ERRORS, read_bytes
from drumline.core.errors import ConfigError
from serve.errors import Problem

VARIABLE: Final = "DRUMLINE_API_KEYS"
"""Environment variable with lines of a keys file, separated by newlines or commas."""

ANONYMOUS: Final = ""
"""Client name if there are no keys."""

_LINE: Final = re.compile(r"(?P<name>[\w.@-]+):(?P<digest>[0-9a-fA-F]{64})")


def new_key() -> str:
    """Generate an API key."""
    return secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """SHA-256 of a key, hexadecimal."""
    return sha256(key.encode()).hexdigest()


def read_keys(path: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Read the hashes of API keys.

    Parameters
    ----------
    path
        Keys file or URI; empty for none.
    environment
        Environment variables, of which `VARIABLE` holds further keys.

    Returns
    -------
    dict
        SHA-256 by client name.

    Raises
    ------
    ConfigError
        The file cannot be read, or a line is not ``name:sha256``.
    """
    lines = environment.get(VARIABLE, "").replace(",", "\n").splitlines()
    if path:
        try:
            lines += read_bytes(path).decode().splitlines()
        except (*STORAGE_ERRORS, ImportError, ValueError) as error:
            raise ConfigError(f"{path}: cannot be read ({error or type(error).__name__})") from error
    keys: dict[str, str] = {}
    for line in lines:
        if not (text := line.partition("#")[0].strip()):
            continue
        if not (found := _LINE.fullmatch(text)):
            raise ConfigError("an API key is a line `name:sha256`, 64 hexadecimal digits; python -m serve.keys NAME")
        keys[found["name"]] = found["digest"].lower()
    return keys


def is_loopback(host: str) -> bool:
    """Whether a host name or address, with or without a port, is loopback."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.rsplit(":", 1)[0] if ":" in host else host
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host if host.count(":") > 1 and not host.startswith("[") else name).is_loopback
    except ValueError:
        return False


def authenticate(keys: Mapping[str, str], headers: Mapping[str, str], server: Sequence[object] | None) -> str:
    """Identify the client of a request by ``Authorization: Bearer`` or ``X-API-Key``.

    Parameters
    ----------
    keys
        SHA-256 by client name; empty serves loopback only.
    headers
        Request headers by lower-case name.
    server
        Host and port at which the request came in.

    Returns
    -------
    str
        Name of the client; empty if there are no keys.

    Raises
    ------
    Problem
        No key or a wrong one; without keys, a request from elsewhere than loopback.
    """
    if not keys:
        if server is None or not is_loopback(str(server[0])):
            raise Problem("key_required", "the server has no API keys, so it serves only its own machine")
        if not is_loopback(headers.get("host", "localhost")):
            raise Problem("forbidden_host", "the server has no API keys; use the host name localhost")
        return ANONYMOUS
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    shown = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    digest = hash_key(shown)
    # All are compared, so that the time taken reveals nothing about valid keys.
    names = [name for name, stored in keys.items() if hmac.compare_digest(stored, digest)]
    if not names:
        detail = "unknown API key" if shown else "send Authorization: Bearer <key>"
        raise Problem("key_required", detail, {"WWW-Authenticate": "Bearer"})
    return names[0]


if __name__ == "__main__":
    made = new_key()
    print(f"{made}\n{sys.argv[1] if len(sys.argv) > 1 else 'user'}:{hash_key(made)}")
