"""Looks at a whole installation: all checks, side by side, each within its time, in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from ..site import Site
from ..transfer import in_parallel
from . import inside, outside, secret, settings
from .attempt import Problem, Running, attempt, defect
from .aws import Aws
from .context import Context, Lane
from .database import ask_database
from .finding import Check, Finding
from .pinned import Release
from .redaction import Redactor
from .resolve import Resolver
from .web import Web

RELEASE = Check("release")
DOCTOR = Check("doctor")

_JOBS = 8
_SERVICES = ("sts", "kms", "s3", "sesv2")


@dataclass(frozen=True, kw_only=True)
class _Environment:
    """The api's variables, or in ``unknown`` why they are not known; and what was found on the way."""

    values: Mapping[str, str] | None
    unknown: str
    findings: list[Finding]


def examine(
    site: Site, release: Release | Problem | None, *, before: bool, seconds: float, resolver: Resolver
) -> list[Finding]:
    """Check everything, or ``before`` the api starts what has to be there by then; each question gets ``seconds``.

    ``release`` is what is meant to run, a Problem where that cannot be had. Nothing is changed anywhere, and
    no secret is in the result. Never raises: what cannot be found out is a finding.
    """
    environment = _environment(site, seconds)
    values = environment.values
    # Before anything runs beside it: the variables of the process are others for a moment.
    aws = None if values is None else attempt(partial(Aws, values, seconds, *_SERVICES), seconds)
    dsn = "" if values is None else values.get("API_DB_DSN", "")
    project = "" if values is None else values.get("API_DOGFOOD_PROJECT_ID", "")
    context = Context(
        site=site,
        web=Web(resolver=resolver, seconds=seconds),
        seconds=seconds,
        before=before,
        release=None if isinstance(release, Problem) else release,
        values=values,
        unknown=environment.unknown,
        aws=aws,
        database=Running(partial(ask_database, dsn, project, seconds), seconds) if dsn else None,
    )
    lanes = [partial(_walk, lane) for lane in (*inside.lanes(context), *outside.lanes(context))]
    groups = in_parallel(lanes, _JOBS)
    findings = [_judge_release(site, release), *environment.findings, *(one for group in groups for one in group)]
    return Redactor.of(values or {}).findings(findings)


def _walk(lane: Lane) -> list[Finding]:
    """Make the checks of a lane; one that breaks hides none of the others."""
    try:
        return lane()
    except Exception as error:
        return [DOCTOR.fail(defect(error).text, "tell whom tesseral-release is from")]


def _environment(site: Site, seconds: float) -> _Environment:
    path = site.api.environment
    if path is None:
        why = "[api] environment names no file of the api's variables"
        return _Environment(values=None, unknown=why, findings=[settings.FILE.skipped(why)])
    file = attempt(partial(settings.read_environment, path), seconds)
    findings = [settings.judge_file(path, file)]
    if isinstance(file, Problem):
        return _Environment(values=None, unknown="the api's variables are not known", findings=findings)
    values = file.variables.values
    if not values.get(secret.NAME):
        return _Environment(values=values, unknown="", findings=findings)
    loaded = attempt(partial(secret.ask_secret, values, seconds), seconds)
    findings.append(secret.judge_secret(values, loaded))
    # As the api does it: what the secret says comes first.
    merged = values if isinstance(loaded, Problem) else {**values, **loaded}
    return _Environment(values=merged, unknown="", findings=findings)


def _judge_release(site: Site, release: Release | Problem | None) -> Finding:
    if release is None:
        return RELEASE.skipped(
            "give --release DIR, which fetch made, or --from ORIGIN to compare with what was released"
        )
    if isinstance(release, Problem):
        return RELEASE.fail(release.text, "fetch the pinned release, and name its folder with --release")
    return RELEASE.ok(f"{release.version}" + (f", as {site.pin.name} pins it" if site.pin is not None else ""))
