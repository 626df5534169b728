"""Judges what the database says."""

from __future__ import annotations

from ..manifest import Requirements
from ..site import Site
from .attempt import Problem
from .database import Facts
from .finding import Check, Finding

REACHABLE = Check("database")
TLS = Check("database tls")
SCHEMA = Check("schema")
PROJECT = Check("project")

_MIGRATE = "apply the migrations of the release: tesseral-release migrate"


def judge_version(facts: Facts | Problem, needed: str) -> Finding:
    """Judge whether the database answers, and is new enough; ``needed``: such as ``>=16.4``."""
    if isinstance(facts, Problem):
        return REACHABLE.fail(facts.text, "see that PostgreSQL runs, and what API_DB_DSN says")
    version = f"{facts.version // 10000}.{facts.version % 10000}"
    least = tuple(int(part) for part in needed.removeprefix(">=").split("."))
    if (facts.version // 10000, facts.version % 10000) < least:
        return REACHABLE.fail(f"PostgreSQL {version}, where {needed} is needed", "upgrade PostgreSQL")
    return REACHABLE.ok(f"PostgreSQL {version} answers")


def judge_tls(facts: Facts) -> Finding:
    """Judge whether others can read along."""
    if facts.tls:
        return TLS.ok("the connection is encrypted")
    if facts.local:
        return TLS.ok("not encrypted, and never leaves this machine")
    return TLS.warn("passwords and tokens go to the database in the clear", "add sslmode=verify-full to API_DB_DSN")


def judge_schema(facts: Facts, needs: Requirements, version: str) -> Finding:
    """Judge the number of the last migration; ``needs``: what the release ``version`` needs."""
    if facts.schema is None:
        return SCHEMA.fail("the database has no schema yet", _MIGRATE)
    number = facts.schema.version
    if facts.schema.dirty:
        return SCHEMA.fail(
            f"migration {number} stopped half-way",
            "repair what it left, then set the number that is true: openauthctl migrate --database URL force N",
        )
    if needs.last_migration is None:
        return SCHEMA.skipped(f"it is at {number}; give --release DIR or --from ORIGIN to compare it with the release")
    needed = needs.last_migration
    if number < needed:
        return SCHEMA.fail(f"it is at {number}, {version} needs {needed}", _MIGRATE)
    if number > needed:
        return SCHEMA.fail(
            f"it is at {number}, {version} knows no more than {needed}",
            f"run the release that migrated it, or restore the backup from before that for {version}",
        )
    return SCHEMA.ok(f"it is at {number}, as {version} needs it")


def judge_project(facts: Facts, site: Site, project_id: str) -> Finding:
    """Judge whether the first project is there, and has the vault that the settings name."""
    if not facts.has_projects:
        return PROJECT.fail("the database has no table of projects", f"{_MIGRATE}, then openauthctl bootstrap")
    if not project_id:
        return PROJECT.skipped("API_DOGFOOD_PROJECT_ID is not set")
    if facts.project is None:
        return PROJECT.fail(
            f"no project is called {project_id} (API_DOGFOOD_PROJECT_ID)",
            "set it to the first of the three values that bootstrap printed for this database",
        )
    vault = facts.project.vault_domain
    if vault is not None and vault != site.hosts.vault:
        return PROJECT.fail(
            f"its vault is {vault} in the database, [hosts] vault is {site.hosts.vault}",
            "let [hosts] vault be what bootstrap was given as --vault-domain",
        )
    return PROJECT.ok(f"{project_id}" + (f", with the vault {vault}" if vault else ""))
