"""Mail by AWS SES: is the domain that mail comes from verified in the region of the api?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from ..site import Site
from .attempt import Problem
from .aws import Aws, code_of, said, words
from .database import Facts
from .finding import Check, Finding

ACCOUNT = Check("ses account")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The domain, or the nearest above it, that SES knows in ``region``; None where it knows none."""

    region: str
    domain: str | None = None
    verified: bool = False


@dataclass(frozen=True, kw_only=True)
class Account:
    """``production``: it may send to everyone. ``sending``: AWS has not stopped it."""

    production: bool
    sending: bool


def senders(site: Site, values: Mapping[str, str], facts: Facts | Problem | None) -> tuple[str, ...]:
    """Return the domains that mail comes from: the first project's, and that of projects to come."""
    project = None if facts is None or isinstance(facts, Problem) else facts.project
    first = (project.email_domain if project is not None else None) or f"mail.{site.hosts.vault}"
    root = values.get("API_AUTH_APPS_ROOT_DOMAIN", "")
    return tuple(dict.fromkeys([first, *([f"mail.{root}"] if root else [])]))


def ask_identity(aws: Aws, domain: str) -> Identity:
    """Look the domain up, and those above it: verifying one verifies all below. Raises Trouble."""
    ses, region = aws.client("sesv2"), aws.place("sesv2")
    found = Identity(region=region)
    labels = domain.split(".")
    with said():
        for start in range(len(labels) - 1):
            name = ".".join(labels[start:])
            try:
                answer = ses.get_email_identity(EmailIdentity=name)
            except ClientError as error:
                if code_of(error) != "NotFoundException":
                    raise
                continue
            if answer["VerifiedForSendingStatus"]:
                return Identity(region=region, domain=name, verified=True)
            if found.domain is None:
                found = Identity(region=region, domain=name)
    return found


def judge_identity(domain: str, identity: Identity | Problem) -> Finding:
    """Judge whether mail from ``domain`` may be sent."""
    check = Check("ses identity", domain)
    if isinstance(identity, Problem):
        return check.fail(
            identity.text, "see that SES can be reached from here, and let the role use ses:GetEmailIdentity"
        )
    if identity.domain is None:
        return check.fail(
            f"SES in {identity.region} knows neither {domain} nor a domain above it: no mail is sent",
            "verify the domain there (DKIM records in DNS), in the region of the api",
        )
    if not identity.verified:
        return check.fail(
            f"{identity.domain} is not verified in {identity.region}: no mail is sent",
            "add the DKIM records that SES names to DNS",
        )
    return check.ok(f"{identity.domain} is verified in {identity.region}")


def ask_account(aws: Aws) -> Account | str:
    """Return how the account stands, or what SES says instead. Raises Trouble."""
    with said():
        try:
            answer = aws.client("sesv2").get_account()
        except ClientError as error:
            return words(error)
    return Account(production=answer.get("ProductionAccessEnabled", False), sending=answer.get("SendingEnabled", False))


def judge_account(account: Account | str | Problem) -> Finding:
    """Judge whether mail reaches everybody."""
    if isinstance(account, str):
        return ACCOUNT.skipped(f"the api's role may not ask for it ({account}), and need not")
    if isinstance(account, Problem):
        return ACCOUNT.fail(account.text, "see that SES can be reached from here, and the AWS_ variables")
    if not account.sending:
        return ACCOUNT.fail("AWS has stopped this account's mail", "see the SES console, which says why")
    if not account.production:
        return ACCOUNT.warn(
            "it is in the sandbox: mail goes to verified addresses only", "ask AWS for production access to SES"
        )
    return ACCOUNT.ok("it may send mail to everybody")
