"""Checks of what the api stands on: its variables, its database, AWS."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ..manifest import Requirements
from . import aws, kms, s3, ses, settings
from .attempt import Problem
from .context import Context, Lane
from .database import Facts
from .database_rules import PROJECT, REACHABLE, SCHEMA, TLS, judge_project, judge_schema, judge_tls, judge_version
from .finding import Finding

_DSN = "API_DB_DSN"


def lanes(context: Context) -> list[Lane]:
    """Return the checks, in the order in which they are shown."""
    return [
        partial(_variables, context),
        partial(_database, context),
        *_aws_lanes(context),
    ]


def _variables(context: Context) -> list[Finding]:
    if context.values is None:
        every = (settings.COMPLETE, settings.NAMES, settings.DOMAINS, settings.LISTENING)
        return [check.skipped(context.unknown) for check in every]
    site, values = context.site, context.values
    return [
        settings.judge_complete(values),
        settings.judge_names(values),
        settings.judge_domains(site, values),
        settings.judge_listening(site, values),
    ]


def _database(context: Context) -> list[Finding]:
    facts, project = context.facts, context.value("API_DOGFOOD_PROJECT_ID")
    if facts is None:
        why = context.unknown if context.values is None else f"{_DSN} is not set"
        return [check.skipped(why) for check in (REACHABLE, TLS, SCHEMA, PROJECT, kms.BOOTSTRAPPED)]
    release = context.release
    # Without a release, what every one so far has needed.
    needs = Requirements() if release is None else release.manifest.requirements
    reachable = judge_version(facts, needs.postgresql)
    if isinstance(facts, Problem):
        rest = (TLS, SCHEMA, PROJECT, kms.BOOTSTRAPPED)
        return [reachable, *(check.skipped("the database does not answer") for check in rest)]
    return [
        reachable,
        judge_tls(facts),
        judge_schema(facts, needs, "" if release is None else release.version),
        judge_project(facts, context.site, project),
        _bootstrapped(context, facts),
    ]


def _bootstrapped(context: Context, facts: Facts) -> Finding:
    key_id = context.value(kms.SESSION_KEY)
    ciphertext = None if facts.project is None else facts.project.ciphertext
    refused: str | Problem = Problem("nothing to decrypt, or no AWS to ask")
    if ciphertext is not None and key_id and isinstance(context.aws, aws.Aws):
        refused = context.attempt(partial(kms.ask_bootstrapped, context.aws, key_id, ciphertext))
    return kms.judge_bootstrapped(facts, key_id, refused)


def _aws_lanes(context: Context) -> list[Lane]:
    values, client = context.values, context.aws
    if values is None or client is None:
        return [lambda: [aws.CREDENTIALS.skipped(context.unknown)]]
    if isinstance(client, Problem):
        return [lambda: [aws.judge_identity(client, client)]]
    keys = [partial(_key, context, client, name) for name in kms.key_variables(values)]
    bucket = [partial(_bucket, context, client, values)] if values.get(s3.NAME) else []
    return [partial(_identity, context, client), *keys, *bucket, partial(_mail, context, client, values)]


def _identity(context: Context, client: aws.Aws) -> list[Finding]:
    who = context.attempt(partial(aws.ask_identity, client)) if client.is_amazon else Problem("not asked")
    return [aws.judge_identity(client, who)]


def _key(context: Context, client: aws.Aws, name: str) -> list[Finding]:
    return [kms.judge_key(name, context.attempt(partial(kms.ask_key, client, context.value(name))))]


def _bucket(context: Context, client: aws.Aws, values: Mapping[str, str]) -> list[Finding]:
    return [s3.judge_bucket(values, context.attempt(partial(s3.ask_bucket, client, values[s3.NAME])))]


def _mail(context: Context, client: aws.Aws, values: Mapping[str, str]) -> list[Finding]:
    senders = ses.senders(context.site, values, context.facts)
    identities = [(one, context.attempt(partial(ses.ask_identity, client, one))) for one in senders]
    return [
        ses.judge_account(context.attempt(partial(ses.ask_account, client))),
        *(ses.judge_identity(domain, identity) for domain, identity in identities),
    ]
