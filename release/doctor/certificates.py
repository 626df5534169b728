"""Certificates of the hosts: those that are served, and before that the files that the settings name.

Both are looked at by a handshake of TLS, so that each is judged as a browser would judge it.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from ..site import Certificate
from .attempt import Problem, Trouble
from .finding import Check, Finding
from .web import Web

_SOON = timedelta(days=21)
_SERVE = "serve one that is good for this name now, with its whole chain; a private authority goes into SSL_CERT_FILE"
_RENEW = "renew it, and let the proxy load the new one"
# OpenSSL, X509_V_ERR_…: of these the certificate itself says more.
_ITS_OWN = {9, 10, 62}  # NOT_YET_VALID, HAS_EXPIRED, HOSTNAME_MISMATCH


@dataclass(frozen=True, kw_only=True)
class Served:
    """A certificate, and the handshake that showed it. ``untrusted``: why its chain is not trusted, if it is not.

    ``old``: the server also speaks a version of TLS before 1.2; None where nobody asked.
    """

    names: tuple[str, ...]
    starts: datetime
    ends: datetime
    version: str
    untrusted: str | None = None
    old: bool | None = None


def judge_certificate(host: str, name: str, served: Served | Problem, now: datetime, advice: str) -> Finding:
    """Judge a certificate for ``host``, of which ``name`` was asked; ``advice`` is what to do where there is none."""
    check = Check("certificate", host)
    if isinstance(served, Problem):
        return check.fail(served.text, advice)
    until = f"{served.ends:%Y-%m-%d}"
    wrong = []
    if not any(covers(one, name) for one in served.names):
        wrong.append(f"it is for {', '.join(served.names) or 'no name'}")
    if served.starts > now:
        wrong.append(f"it is good from {served.starts:%Y-%m-%d} on")
    if served.ends <= now:
        wrong.append(f"it expired on {until}")
    if served.untrusted is not None:
        wrong.append(f"its chain is not trusted ({served.untrusted})")
    if wrong:
        return check.fail("; ".join(wrong), _SERVE)
    if served.old:
        return check.warn("the server also speaks TLS older than 1.2", "let the proxy speak TLS 1.2 and 1.3 only")
    if served.ends - now < _SOON:
        return check.warn(f"it expires on {until}, in {(served.ends - now).days} days", _RENEW)
    return check.ok(f"good until {until}" + (f", {served.version}" if served.version else ""))


def covers(name: str, host: str) -> bool:
    """Tell whether a name in a certificate is good for ``host``: ``*`` stands for one label (RFC 6125, 6.4.3)."""
    name = name.lower()
    return name == host or (name.startswith("*.") and "." in host and host.split(".", 1)[1] == name[2:])


def ask_certificate(web: Web, host: str, port: int) -> Served:
    """Return what ``host`` serves. Raises Trouble."""

    def handshake(context: ssl.SSLContext) -> tuple[bytes, str]:
        with web.connected(host, port) as plain, context.wrap_socket(plain, server_hostname=host) as sock:
            return sock.getpeercert(binary_form=True) or b"", sock.version() or ""

    return _looked_at(web.trust, handshake, f"{host}:{port}", old=lambda: _speaks_old(handshake))


def read_certificate(trust: ssl.SSLContext, host: str, files: Certificate) -> Served:
    """Return what a proxy with these files would serve. Raises Trouble when it could not."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        server.load_cert_chain(files.certificate, files.key, password=lambda: "")
    except ssl.SSLError as error:
        why = error.reason or str(error)
        raise Trouble(f"{files.certificate} and {files.key} are no certificate with its key: {why}") from None
    except (OSError, ValueError) as error:
        gone = next((path for path in (files.certificate, files.key) if not path.is_file()), files.key)
        raise Trouble(f"{gone} cannot be read: {getattr(error, 'strerror', None) or error}") from None

    def handshake(context: ssl.SSLContext) -> tuple[bytes, str]:
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(to_client, to_server, server_hostname=host)
        other = server.wrap_bio(to_server, to_client, server_side=True)
        for side in (client, other, client):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
        return client.getpeercert(binary_form=True) or b"", ""

    return _looked_at(trust, handshake, str(files.certificate))


def _looked_at(
    trust: ssl.SSLContext,
    handshake: Callable[[ssl.SSLContext], tuple[bytes, str]],
    place: str,
    old: Callable[[], bool] | None = None,
) -> Served:
    try:
        untrusted = None
        try:
            data, version = handshake(trust)
        except ssl.SSLCertVerificationError as error:
            untrusted = None if error.verify_code in _ITS_OWN else error.verify_message
            data, version = handshake(_anything())
    except ssl.SSLError as error:
        raise Trouble(f"{place} does not speak TLS 1.2 or newer: {error.reason or error}") from None
    except OSError as error:
        raise Trouble(f"{place} breaks the handshake off: {error.strerror or error}") from None
    certificate = x509.load_der_x509_certificate(data)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        said = tuple(names.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        said = ()
    return Served(
        names=said,
        starts=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
        version=version,
        untrusted=untrusted,
        old=None if old is None else old(),
    )


def _anything() -> ssl.SSLContext:
    """A client that takes any certificate: nothing is sent to whoever shows it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _speaks_old(handshake: Callable[[ssl.SSLContext], tuple[bytes, str]]) -> bool:
    context = _anything()
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    try:
        context.set_ciphers("ALL:@SECLEVEL=0")
        handshake(context)
    except (OSError, Trouble):
        return False
    return True


def today() -> datetime:
    """Return the time by this machine's clock."""
    return datetime.now(UTC)
