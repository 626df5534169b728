"""The served bundles: are they those of the release, and is the console configured for this installation?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..configure import PLACEHOLDERS, configured_files
from ..configure.record import NAME as RECORD
from ..configure.record import Record, from_json
from ..configure.values import API_URL, PROJECT_ID
from ..errors import VerificationError
from ..site import Site
from .finding import Check, Finding
from .hosts import asked_name
from .pinned import CONSOLE, VAULT_UI, Release
from .web import Answer, Web

COMPARED = ("index.html", "index.js", "index.css")
CONFIGURED = Check("console settings")
_AGAIN = "tesseral-release configure console, and serve what it wrote"


@dataclass(frozen=True, kw_only=True)
class Served:
    """What a host answers for the files that are compared, and for the console's record."""

    files: Mapping[str, Answer]
    record: Answer | None = None


def bundle_hosts(site: Site) -> list[tuple[str, str]]:
    """Return the piece that each host serves, and its name."""
    return [*((VAULT_UI, name) for name in (site.hosts.vault, *site.hosts.vaults)), (CONSOLE, site.hosts.console)]


def ask_bundle(web: Web, site: Site, piece: str, host: str) -> Served:
    """Ask a host for what is compared. Raises Trouble."""
    name, port = asked_name(host), site.listen.https
    files = {path: web.get(name, f"/{path}", port=port) for path in COMPARED}
    return Served(files=files, record=web.get(name, f"/{RECORD}", port=port) if piece == CONSOLE else None)


def bundle_check(piece: str, host: str) -> Check:
    """Return what the check of a host's bundle is called."""
    return Check(f"{piece} bundle", host)


def judge_bundle(
    piece: str, host: str, served: Served | None, release: Release | None, expected: Mapping[str, str]
) -> Finding:
    """Judge whether the files are those of ``release``; ``expected``: the console's values where it has no record."""
    check = bundle_check(piece, host)
    if release is None or served is None:
        return check.skipped("give --release DIR, which fetch made, or --from ORIGIN to compare it with the release")
    if piece not in release.bundles:
        return check.skipped(f"the folder has no archive of {piece}; fetch it too")
    files = release.bundles[piece]
    if piece == CONSOLE:
        record = record_of(served)
        values = expected if record is None else record.values
        try:
            files = configured_files(files, values, release.manifest.console_placeholders or PLACEHOLDERS)
        except (KeyError, VerificationError):
            return check.skipped("with which values the console was configured is not known: it has no configured.json")
    there = [path for path in COMPARED if path in files]
    other = [path for path in there if (served.files[path].status, served.files[path].body) != (200, files[path])]
    if other:
        return check.fail(
            f"{', '.join(other)} {'is' if len(other) == 1 else 'are'} not what {release.version} has there",
            f"serve the {piece} of {release.version}" + (f": {_AGAIN}" if piece == CONSOLE else ""),
        )
    return check.ok(f"{', '.join(there)} are those of {release.version}")


def judge_configured(site: Site, served: Served, project_id: str) -> Finding:
    """Judge whether the console asks the vault, for the first project."""
    script = served.files["index.js"].body
    left = [placeholder for placeholder in PLACEHOLDERS.values() if placeholder.encode() in script]
    if left:
        return CONFIGURED.fail(f"index.js still has {' and '.join(left)} in it", _AGAIN)
    record = record_of(served)
    url = f"https://{site.hosts.vault}"
    if record is not None and not _leads_to(record.values.get(API_URL, ""), url):
        return CONFIGURED.fail(f"it asks {record.values.get(API_URL)}, the vault is {url}", _AGAIN)
    if record is None and url.encode() not in script:
        return CONFIGURED.fail(f"index.js does not ask the vault, {url}", _AGAIN)
    if not project_id:
        return CONFIGURED.ok(f"it asks {url}")
    if project_id.encode() not in script:
        return CONFIGURED.fail(f"index.js is not for {project_id} (API_DOGFOOD_PROJECT_ID)", _AGAIN)
    return CONFIGURED.ok(f"it asks {url} for {project_id}")


def expected_values(site: Site, project_id: str) -> dict[str, str]:
    """Return what the console has to be configured with, as far as that is known."""
    values = {API_URL: f"https://{site.hosts.vault}{site.listen.port}"}
    return values | ({PROJECT_ID: project_id} if project_id else {})


def record_of(served: Served) -> Record | None:
    """Return the record that a console serves, None where it serves none: every address is its page then."""
    answer = served.record
    if answer is None or answer.status != 200:
        return None
    try:
        return from_json(answer.body)
    except VerificationError:
        return None


def _leads_to(url: str, wanted: str) -> bool:
    return url == wanted or url.startswith((f"{wanted}:", f"{wanted}/"))
