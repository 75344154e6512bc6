"""Protection against cross-site requests (CSRF).

A page of another site may send a form, or a body without a Content-Type, to any address including loopback, without a
CORS preflight. Browsers mark such requests: in ``Sec-Fetch-Site`` (over HTTPS and to loopback), in ``Origin`` of each
POST, and older ones in ``Referer``. Other programs send none of these headers.
"""

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlsplit

from serve.errors import Problem

_SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
_SAME_SITE: Final = ("same-origin", "none")
"""``none`` is a request by the user. ``same-site`` is not enough: it includes every port of this machine."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def check_origin(method: str, headers: Mapping[str, str], allowed: Collection[str]) -> None:
    """Refuse state-changing requests that a page of another site sends.

    Parameters
    ----------
    method
        HTTP method, upper case.
    headers
        Request headers by lower-case name.
    allowed
        Origins of other sites whose pages may send requests (``cors_origins``).

    Raises
    ------
    Problem
        ``forbidden_origin``: the request comes from a site that is not allowed.
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
    detail = f"sent by a page of {origin[:200] or 'another site'}; allowed sites are listed in cors_origins"
    raise Problem("forbidden_origin", detail)


def _is_same_host(source: str, host: str) -> bool:
    """Whether a page's URL has the host and port of the request; its scheme may be a proxy's."""
    try:
        page = urlsplit(source)
        target = urlsplit(f"//{host}")
        port = _DEFAULT_PORTS.get(page.scheme)
        return bool(page.hostname) and page.hostname == target.hostname and (page.port or port) == (target.port or port)
    except ValueError:
        return False
