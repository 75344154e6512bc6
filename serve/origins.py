"""Requests that a browser sends for a page of another site, and what of them is refused.

A page may send a form or a body without a Content-Type to any address, this machine's included, without asking first
(no CORS preflight). Browsers say so: in ``Sec-Fetch-Site`` (over HTTPS and to loopback), in ``Origin`` with each POST,
and older ones in ``Referer``. Programs that are no browsers send none of these.
"""

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from serve.problems import Problem

_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
_SAME_SITE: Final = ("same-origin", "none")
"""``none`` is a request by the user. ``same-site`` is not enough: that is any port of this machine."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def check_origin(method: str, headers: Mapping[str, str], allowed: Collection[str]) -> None:
    """Refuse what changes something and was sent by another site's page.

    Parameters
    ----------
    method
        Of the request, upper case.
    headers
        Of the request, by lower-case name.
    allowed
        Origins of other sites whose pages may send requests (``cors_origins``).

    Raises
    ------
    Problem
        ``forbidden_origin``.
    """
    origin = headers.get("origin", "")
    if method in _SAFE_METHODS or origin in allowed or "*" in allowed:
        return
    if site := headers.get("sec-fetch-site", ""):
        if site in _SAME_SITE:
            return
    else:
        source = origin or headers.get("referer", "")
        if not source or _is_same_host(source, headers.get("host", "")):
            return
    detail = f"sent by a page of {origin[:200] or 'another site'}; cors_origins names the sites that may"
    raise Problem("forbidden_origin", detail)


def _is_same_host(source: str, host: str) -> bool:
    """Whether a page's URL has the host and port that was asked for; its scheme may be a proxy's."""
    try:
        page = urlsplit(source)
        asked = urlsplit(f"//{host}")
        port = _DEFAULT_PORTS.get(page.scheme)
        return bool(page.hostname) and page.hostname == asked.hostname and (page.port or port) == (asked.port or port)
    except ValueError:
        return False
