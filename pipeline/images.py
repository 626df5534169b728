"""What the container images hold and how they start: one table, from built files to layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from release.archive import Entry, entries_of
from release.oci import ImageConfig, PlatformImage

from .data import certificates, zoneinfo
from .lock import Lock
from .pieces import API, BOOTSTRAP, MIGRATIONS, Piece, Target

# A user without a name or a home; upstream's images run as root, which nothing here needs.
NOBODY = "65532:65532"

CONFIGS: Mapping[str, ImageConfig] = {
    API.name: ImageConfig(
        entrypoint=("/api",), env=("API_SERVE_ADDR=:3001",), user=NOBODY, exposed_ports=("3001/tcp",)
    ),
    BOOTSTRAP.name: ImageConfig(entrypoint=("/openauthctl",), user=NOBODY),
    MIGRATIONS.name: ImageConfig(entrypoint=("/migrate", "-path", "/migrations"), user=NOBODY),
}
FILES_ONLY = ImageConfig(entrypoint=())


@dataclass(frozen=True, kw_only=True)
class Built:
    """The files that the builds left on disk: ``binaries`` by piece and target, ``migrate`` by
    target, ``folders`` by piece."""

    binaries: Mapping[tuple[Piece, Target], Path] = field(default_factory=dict)
    migrate: Mapping[Target, Path] = field(default_factory=dict)
    folders: Mapping[Piece, Path] = field(default_factory=dict)


def platform_image(piece: Piece, target: Target, built: Built, lock: Lock) -> PlatformImage:
    """The image of ``piece`` for one platform. A bundle's is its files alone, at the root: made to be
    copied from (``COPY --from``) or mounted."""
    if piece == API:
        entries = (_program(piece, target, built), *certificates(lock), *zoneinfo(lock))
    elif piece == BOOTSTRAP:
        entries = (_program(piece, target, built), *certificates(lock))
    elif piece == MIGRATIONS:
        migrate = Entry(path="migrate", source=built.migrate[target], mode=0o755)
        entries = (migrate, *entries_of(built.folders[piece], prefix="migrations/"), *certificates(lock))
    else:
        entries = entries_of(built.folders[piece])
    return PlatformImage(platform=str(target), entries=entries, config=CONFIGS.get(piece.name, FILES_ONLY))


def _program(piece: Piece, target: Target, built: Built) -> Entry:
    return Entry(path=piece.binary, source=built.binaries[piece, target], mode=0o755)
