"""What a release is made of, for which targets, and under which names: pure tables and rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from release.errors import UsageError


class Kind(StrEnum):
    """How a piece is built."""

    BINARY = "Go binary"
    BUNDLE = "web bundle"
    MIGRATIONS = "database migrations"
    KIT = "templates of this project"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One thing that a source yields, or that this project adds.

    ``stem`` starts the names of its artifacts and is the name of its image;
    ``path`` is where its source lies, if that is in the source; ``binary`` is
    the program's name.
    """

    name: str
    stem: str
    kind: Kind
    path: str = ""
    binary: str = ""

    @property
    def has_image(self) -> bool:
        """Whether it is there as an image too."""
        return self.kind is not Kind.KIT


API = Piece(name="api", stem="tesseral-api", kind=Kind.BINARY, path="cmd/api", binary="api")
BOOTSTRAP = Piece(
    name="bootstrap", stem="tesseral-bootstrap", kind=Kind.BINARY, path="cmd/openauthctl", binary="openauthctl"
)
VAULT_UI = Piece(name="vault-ui", stem="tesseral-vault-ui", kind=Kind.BUNDLE, path="vault-ui")
CONSOLE = Piece(name="console", stem="tesseral-console", kind=Kind.BUNDLE, path="console")
MIGRATIONS = Piece(
    name="migrations", stem="tesseraldb-migrations", kind=Kind.MIGRATIONS, path="cmd/openauthctl/migrations"
)
PROXY = Piece(name="proxy", stem="tesseral-proxy", kind=Kind.KIT)
PIECES = (API, BOOTSTRAP, VAULT_UI, CONSOLE, MIGRATIONS, PROXY)


@dataclass(frozen=True, kw_only=True, order=True)
class Target:
    """An operating system and an architecture, in Go's words."""

    os: str
    arch: str

    def __str__(self) -> str:
        return f"{self.os}/{self.arch}"

    @property
    def extension(self) -> str:
        """The ending of its archives."""
        return "zip" if self.os == "windows" else "tar.gz"

    @property
    def executable(self) -> str:
        """The ending of its programs."""
        return ".exe" if self.os == "windows" else ""


TARGETS = (
    Target(os="linux", arch="amd64"),
    Target(os="linux", arch="arm64"),
    Target(os="darwin", arch="amd64"),
    Target(os="darwin", arch="arm64"),
    Target(os="windows", arch="amd64"),
)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The pieces and targets of one release, in the order of the tables."""

    pieces: tuple[Piece, ...] = PIECES
    targets: tuple[Target, ...] = TARGETS

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self.pieces == PIECES and self.targets == TARGETS

    @property
    def platforms(self) -> tuple[Target, ...]:
        """The targets that images are made for."""
        return tuple(target for target in self.targets if target.os == "linux")

    @property
    def images(self) -> tuple[Piece, ...]:
        """The pieces that there are images of."""
        return tuple(piece for piece in self.pieces if piece.has_image) if self.platforms else ()

    def __str__(self) -> str:
        return f"{','.join(p.name for p in self.pieces)} for {','.join(map(str, self.targets))}"


def select(pieces: Iterable[str] = (), targets: Iterable[str] = ()) -> Selection:
    """The selection that a command line names; nothing named means all.

    A piece goes by its name (``api``) or its artifacts' (``tesseral-api``).
    Raises :class:`UsageError`.
    """
    wanted_pieces, wanted_targets = set(pieces), set(targets)
    for name in wanted_pieces - {word for p in PIECES for word in (p.name, p.stem)}:
        raise UsageError(f"there is no piece {name!r}", f"the pieces are {', '.join(p.name for p in PIECES)}")
    for name in wanted_targets - {str(t) for t in TARGETS}:
        raise UsageError(f"there is no target {name!r}", f"the targets are {', '.join(map(str, TARGETS))}")
    return Selection(
        pieces=tuple(p for p in PIECES if not wanted_pieces or {p.name, p.stem} & wanted_pieces),
        targets=tuple(t for t in TARGETS if not wanted_targets or str(t) in wanted_targets),
    )


def archive_name(piece: Piece, version: str, target: Target | None) -> str:
    """The file name of an artifact, for example ``tesseral-api_1.4.0_linux_amd64.tar.gz``."""
    if target is None:
        return f"{piece.stem}_{version}.tar.gz"
    return f"{piece.stem}_{version}_{target.os}_{target.arch}.{target.extension}"
