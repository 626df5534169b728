"""AWS as the api finds it: clients made from the variables of its environment, and not from those of this process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .attempt import Problem, Trouble
from .finding import Check, Finding

CREDENTIALS = Check("aws credentials")

# A service of AWS → the variable by which the api asks it elsewhere.
_ENDPOINTS = {
    "kms": "API_KMS_ENDPOINT_RESOLVER_URL",
    "s3": "API_S3_ENDPOINT_RESOLVER_URL",
    "sesv2": "API_SES_ENDPOINT_RESOLVER_URL",
}


class Aws:
    """Clients by service, each of which asks once and waits no longer than ``seconds``.

    Making one may ask for credentials. Raises Trouble when AWS cannot be asked with these variables.
    """

    def __init__(self, values: Mapping[str, str], seconds: float, *services: str) -> None:
        self._values = values
        with _variables(values), said():
            # The api's client takes either; this one knows the second only.
            region = values.get("AWS_REGION") or values.get("AWS_DEFAULT_REGION") or None
            session = boto3.Session(region_name=region)
            credentials = session.get_credentials()
            if credentials is not None:
                credentials.get_frozen_credentials()
            self.region = session.region_name
            self._clients = {}
            for service in services:
                elsewhere = values.get(_ENDPOINTS.get(service, "")) or None
                config = Config(
                    connect_timeout=seconds,
                    read_timeout=seconds,
                    retries={"total_max_attempts": 1},
                    # As the api's client does it for an S3 of another kind.
                    s3={"addressing_style": "path"} if elsewhere and service == "s3" else None,
                )
                self._clients[service] = session.client(service, endpoint_url=elsewhere, config=config)  # type: ignore[call-overload]

    def client(self, service: str) -> Any:  # noqa: ANN401 - each service has a class of its own
        """Return the client of a service that was named."""
        return self._clients[service]

    def place(self, service: str) -> str:
        """Return in words where a service is asked: its host, or the region of AWS."""
        host: str = urlsplit(self._clients[service].meta.endpoint_url).netloc.rpartition("@")[2]
        return str(self.region) if host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".aws")) else host

    @property
    def is_amazon(self) -> bool:
        """Tell whether any service is asked at AWS itself, or at what stands in for all of it."""
        return not all(self._values.get(name) for name in _ENDPOINTS.values())


@contextmanager
def said() -> Iterator[None]:
    """Turn what AWS or its client says into Trouble."""
    try:
        yield
    except ClientError as error:
        raise Trouble(words(error)) from None
    except (BotoCoreError, ValueError) as error:
        # The first line says what is not set or cannot be reached; a password in its URL is taken out later.
        raise Trouble((str(error).splitlines() or [type(error).__name__])[0]) from None


def words(error: ClientError) -> str:
    """Return what a service of AWS answered instead."""
    said = error.response.get("Error", {})
    code, message = said.get("Code", "an error"), said.get("Message", "")
    return f"{code}: {message}" if message else str(code)


def code_of(error: ClientError) -> str:
    """Return the code of what a service of AWS answered instead, such as ``NotFoundException``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def ask_identity(aws: Aws) -> str:
    """Return who AWS takes the api for. Raises Trouble."""
    with said():
        return str(aws.client("sts").get_caller_identity()["Arn"])


def judge_identity(aws: Aws | Problem, who: str | Problem) -> Finding:
    """Judge whether AWS knows the api's credentials."""
    advice = "see the AWS_ variables of the environment file, or the role of this machine"
    if isinstance(aws, Problem):
        return CREDENTIALS.fail(aws.text, advice)
    if not aws.is_amazon:
        return CREDENTIALS.skipped("KMS, S3 and SES are all asked elsewhere (API_…_ENDPOINT_RESOLVER_URL)")
    if isinstance(who, Problem):
        return CREDENTIALS.fail(who.text, advice)
    return CREDENTIALS.ok(f"the api is {who}, in {aws.region}")


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Let the variables of AWS be those in ``values`` alone: its client reads them from the process.

    Whoever runs doctor may be somebody else for AWS. Not while other threads run.
    """
    own = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    theirs = {name: value for name, value in values.items() if name.startswith("AWS_")}
    try:
        _replace(own, theirs)
        yield
    finally:
        _replace(theirs, own)


def _replace(old: Mapping[str, str], new: Mapping[str, str]) -> None:
    for name in old:
        os.environ.pop(name, None)
    os.environ.update(new)
