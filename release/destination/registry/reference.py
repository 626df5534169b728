"""Which registry, and where in it: the text ``oci://registry[:port]/prefix``."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from ...errors import UsageError

# distribution-spec 1.1, "Pulling manifests": the form of <name>.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PREFIX = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_REGISTRY = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::([0-9]{1,5}))?")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """``text`` as a person wrote it; ``registry`` is ``host[:port]``, ``prefix`` may be empty."""

    text: str
    registry: str
    prefix: str

    @property
    def url(self) -> str:
        """Where the registry's API is; plain HTTP on this machine only."""
        return f"{'http' if is_loopback(_host(self.registry)) else 'https'}://{self.registry}"

    def repository(self, name: str) -> str:
        """Return the repository of the image ``name``."""
        return f"{self.prefix}/{name}" if self.prefix else name


def parse(text: str) -> Reference:
    """Read ``oci://registry[:port]/prefix``. Raises UsageError."""
    scheme, _, rest = text.partition("://")
    registry, _, path = rest.partition("/")
    prefix = path.removesuffix("/")
    if scheme.lower() != "oci" or not _is_registry(registry):
        raise UsageError(f"{text!r} names no registry", "write oci://registry.example.com/prefix, without a password")
    if prefix and _PREFIX.fullmatch(prefix) is None:
        raise UsageError(
            f"{text!r}: {prefix!r} cannot be a repository's name",
            "use lower-case letters, digits and single . _ - between them, in parts separated by /",
        )
    return Reference(text=text, registry=registry, prefix=prefix)


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine: ``localhost``, ``127.0.0.0/8`` or ``::1``."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_registry(text: str) -> bool:
    found = _REGISTRY.fullmatch(text)
    if found is None or int(found[1] or 1) not in range(1, 65536):
        return False
    host = _host(text)
    try:
        return not host.startswith("[") or ipaddress.ip_address(host.strip("[]")).version == 6
    except ValueError:
        return False


def _host(registry: str) -> str:
    return re.sub(r":[0-9]+$", "", registry) if "]:" in registry or "[" not in registry else registry
