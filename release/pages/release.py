"""The page about one release."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from .. import checksums, rfc3339
from .. import manifest as manifest_file
from ..destination.documents import RELEASES
from ..manifest import Artifact, Image, Manifest, Requirements
from ..sbom import is_sbom, sbom_of, sboms_of
from ..staged import IMAGES
from ..table import human_size
from . import commands
from .frame import badge, command, digest, document, facts, home, isolated, row, section, spaced, table
from .markup import Child, Html, element, joined
from .notes import rendered

_WEB = ("https://", "http://")


def release_page(manifest: Manifest, *, yanked: str | None, channels: Sequence[str]) -> bytes:
    """Return the page: ``yanked`` is the reason, ``channels`` are those whose readers get this release."""
    version = str(manifest.version)
    content: list[Child] = [element("h1", *_title(manifest, yanked)), *_banner(yanked), _line(manifest, channels)]
    if manifest.notes:
        content.append(section("Release notes", rendered(manifest.notes), name="notes"))
    content.append(section("Requirements", _requirements(manifest.requirements), name="requirements"))
    content.append(section("Fetch and verify", *commands.fetching(version), name="fetch"))
    if manifest.artifacts:
        content.append(section("Files", _artifacts(manifest), _records(manifest), name="files"))
    if manifest.images:
        content.append(section("Images", *_images(manifest), name="images"))
    if manifest.console_placeholders:
        content.append(section("Values of the console", *_placeholders(manifest), name="console"))
    content.append(section("Source", _source(manifest), name="source"))
    return document(f"Tesseral {version}", home("../"), *content, root="../")


def _title(manifest: Manifest, yanked: str | None) -> tuple[Child, ...]:
    version = str(manifest.version)
    return ("Tesseral ", version if yanked is None else element("s", version))


def _banner(yanked: str | None) -> tuple[Child, ...]:
    if yanked is None:
        return ()
    return (
        element(
            "aside",
            element("p", element("strong", "This release is yanked: do not use it.")),
            element("p", isolated(yanked)),
            class_="banner",
            aria_label="Yanked",
        ),
    )


def _line(manifest: Manifest, channels: Sequence[str]) -> Html:
    time = rfc3339.render(manifest.source.committed_at)
    dated = joined("Source of ", element("time", time[:10], datetime=time))
    current = (joined(dated, ", current in"), *map(badge, channels)) if channels else (dated,)
    return element("p", spaced(*current), class_="line")


def _artifacts(manifest: Manifest) -> Html:
    sboms = sboms_of(manifest, (*manifest.artifacts, *manifest.images))
    files = (one for one in manifest.artifacts if one not in sboms)
    ordered = sorted(files, key=lambda one: (one.piece, one.target or "", one.name))
    groups = (
        element("tbody", _piece(piece), *(_artifact(manifest, one) for one in group), role="rowgroup")
        for piece, group in groupby(ordered, key=lambda one: one.piece)
    )
    return table("Every file with its size and SHA-256.", ("Target", "File", "Size"), *groups, kind="files")


def _piece(piece: str) -> Html:
    head = element("th", piece, scope="rowgroup", colspan="3", role="rowheader")
    return element("tr", head, role="row", class_="piece")


def _artifact(manifest: Manifest, one: Artifact) -> Html:
    link = element("a", one.name, href=f"{manifest.version}/{one.name}")
    size = element("span", human_size(one.size), title=f"{one.size} bytes")
    file = joined(link, digest(one.digest.removeprefix("sha256:")))
    return row(one.target or "any", file, spaced(size, *_sbom(manifest, one)))


def _sbom(manifest: Manifest, subject: Artifact | Image) -> tuple[Child, ...]:
    """Return the link to what lists the packages in ``subject``, if anything does."""
    sbom = sbom_of(manifest, subject)
    if sbom is None:
        return ()
    href = f"{manifest.version}/{sbom.name}"
    return (element("a", "SBOM", href=href, aria_label=f"SBOM of {subject.name}", class_="sbom"),)


def _records(manifest: Manifest) -> Html:
    names = (checksums.NAME, manifest_file.NAME)
    links = (element("a", name, href=f"{manifest.version}/{name}") for name in names)
    text = " describes the whole release."
    if any(map(is_sbom, manifest.artifacts)):
        text += " An SBOM lists the packages in a file, as CycloneDX."
    return element("p", joined(*links, by=" lists the digests, "), text)


def _images(manifest: Manifest) -> tuple[Child, ...]:
    lines = (_image(manifest, one) for one in manifest.images)
    body = element("tbody", *lines, role="rowgroup")
    return (
        table("Images by digest, as OCI layouts.", ("Image", "Layout and digest", "Platforms"), body, kind="images"),
        element(
            "p", "Fetch the release with ", element("code", "--images"), ", then copy them to a registry of yours:"
        ),
        command(commands.copying(manifest, manifest.images[0])),
    )


def _image(manifest: Manifest, one: Image) -> Html:
    layout = element("code", f"{RELEASES}{manifest.version}/{IMAGES}/{one.name}", class_="digest")
    return row(one.name, joined(layout, digest(one.digest), *_sbom(manifest, one)), ", ".join(one.platforms))


def _requirements(needs: Requirements) -> Html:
    irreversible = ", ".join(map(str, needs.irreversible_migrations))
    return facts(
        ("PostgreSQL", f"{needs.postgresql.removeprefix('>=')} or newer"),
        ("Migrations", _migrations(needs)),
        ("Irreversible migrations", irreversible or "none"),
        ("Upgrades from", f"{needs.upgrade_from} or newer" if needs.upgrade_from else "any version"),
    )


def _migrations(needs: Requirements) -> str:
    if needs.first_migration is None or needs.last_migration is None:
        return "none"
    return f"{needs.first_migration} to {needs.last_migration}"


def _placeholders(manifest: Manifest) -> tuple[Child, ...]:
    pairs = ((name, digest(manifest.console_placeholders[name])) for name in sorted(manifest.console_placeholders))
    words = "The console is built with placeholders, which `tesseral-release configure console` fills in:"
    return (element("p", words), facts(*pairs))


def _source(manifest: Manifest) -> Html:
    source, pipeline = manifest.source, manifest.pipeline
    return facts(
        ("Repository", None if source.repository is None else _address(source.repository)),
        ("Folder", None if source.path is None else isolated(source.path)),
        ("Commit", digest(source.commit)),
        ("Committed", rfc3339.render(source.committed_at)),
        ("Tree", digest(source.tree_digest)),
        ("Pipeline", pipeline.version),
        ("toolchain.lock", digest(pipeline.toolchain_lock_digest)),
    )


def _address(text: str) -> Html:
    if text.lower().startswith(_WEB):
        return element("a", text, href=text, rel="nofollow noreferrer")
    return isolated(text)
