"""What botocore raises, as sentences for a person: what may be gone the next time, and what is not."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

from botocore import exceptions as aws
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from ...errors import DestinationError, TransientError

_BUSY = frozenset({429, 500, 502, 503, 504})
_AGAIN = frozenset(
    {
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        # Another wrote the same key at the same time.
        "ConditionalRequestConflict",
        # The body was damaged or cut on its way.
        "BadDigest",
        "IncompleteBody",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    }
)
_KEYS = "check the AWS credentials"
_RIGHTS = "allow this user s3:GetObject, s3:PutObject, s3:ListBucket and s3:AbortMultipartUpload there"
_ELSEWHERE = ("the server sends us elsewhere", "set AWS_REGION to the region of the bucket, or AWS_ENDPOINT_URL")
_REGION = "set AWS_REGION to the region of the bucket"
_SENTENCES: Mapping[str, tuple[str, str]] = {
    "NoSuchBucket": ("there is no such bucket", "make it, or name another"),
    "AccessDenied": ("this user has no permission", _RIGHTS),
    "AllAccessDisabled": ("this user has no permission", _RIGHTS),
    "AccountProblem": ("the account is blocked", "ask its owner"),
    "ExpiredToken": ("the credentials have expired", "log in again"),
    "ExpiredTokenException": ("the credentials have expired", "log in again"),
    "RequestExpired": ("the credentials have expired", "log in again"),
    "TokenRefreshRequired": ("the credentials have expired", "log in again"),
    "InvalidToken": ("the session token is not valid", _KEYS),
    "InvalidAccessKeyId": ("the access key is not known", _KEYS),
    "SignatureDoesNotMatch": ("the secret key is wrong", _KEYS),
    "RequestTimeTooSkewed": ("the clock of this machine differs from the server's", "set the clock"),
    "PermanentRedirect": _ELSEWHERE,
    "TemporaryRedirect": _ELSEWHERE,
    "AuthorizationHeaderMalformed": ("the bucket is in another region", _REGION),
    "IllegalLocationConstraintException": ("the bucket is in another region", _REGION),
    # The answer to HEAD says no more than this.
    "400": ("the server refuses to say what it knows of it", "check the AWS credentials and the region"),
    "NotImplemented": ("the server does not know a request that is needed", "use a server with conditional writes"),
}
_BY_STATUS: Mapping[int, tuple[str, str]] = {
    301: _ELSEWHERE,
    302: _ELSEWHERE,
    307: _ELSEWHERE,
    308: _ELSEWHERE,
    403: _SENTENCES["AccessDenied"],
    501: _SENTENCES["NotImplemented"],
}
_NO_KEYS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.TokenRetrievalError,
    aws.NoAuthTokenError,
    aws.SSOError,
    aws.LoginError,
    aws.ProfileNotFound,
)
_LOST = (
    aws.HTTPClientError,
    aws.ConnectionError,
    aws.IncompleteReadError,
    HTTPError,
    # An answer that was cut, or is a page of something in between.
    ResponseParserError,
)


@contextmanager
def told(place: str) -> Iterator[None]:
    """Turn what goes wrong with ``place`` into TransientError or DestinationError."""
    try:
        yield
    except aws.ClientError as error:
        raise _answered(error, place) from error
    except RecursionError as error:
        # Sent elsewhere, botocore asks for the region, is sent elsewhere, and so on.
        raise DestinationError(f"{place} cannot be used: {_ELSEWHERE[0]}", _ELSEWHERE[1]) from error
    except (aws.BotoCoreError, ResponseParserError, HTTPError) as error:
        raise _unanswered(error, place) from error


def code_of(error: aws.ClientError) -> str:
    """Return the server's word for it. The answer to HEAD has none, only a status: ``404``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: aws.ClientError) -> int:
    """Return the HTTP status."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _answered(error: aws.ClientError, place: str) -> DestinationError:
    code, status = code_of(error), status_of(error)
    if code in _AGAIN or status in _BUSY:
        metadata = error.response.get("ResponseMetadata", {})
        return TransientError(
            f"{place}: the server answered {status} {_said(error)}",
            "run again later",
            retry_after=_seconds(metadata.get("HTTPHeaders", {}).get("retry-after")),
        )
    found = _SENTENCES.get(code) or _BY_STATUS.get(status)
    if found is not None:
        return DestinationError(f"{place} cannot be used: {found[0]}", found[1])
    return DestinationError(f"{place} cannot be used: {status} {_said(error)}", "check the bucket and its server")


def _said(error: aws.ClientError) -> str:
    """Return the server's code and text, without those that only repeat the status."""
    said = error.response.get("Error", {})
    words = [code_of(error), str(said.get("Message", "")).strip().rstrip(".")]
    return ": ".join(word for word in words if word and not word.isdigit())


def _unanswered(error: Exception, place: str) -> DestinationError:
    causes = tuple(_causes(error))
    if isinstance(error, _NO_KEYS):
        return DestinationError(f"{place} cannot be used: {_line(error)}", "set the usual AWS credentials")
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return DestinationError(
            f"{place} cannot be used: the server's certificate is not trusted", "set AWS_CA_BUNDLE to its authority"
        )
    if any(isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME for cause in causes):
        return DestinationError(f"{place} cannot be used: no such server: {_line(error)}", "check AWS_ENDPOINT_URL")
    if isinstance(error, aws.ChecksumError | aws.FlexibleChecksumError):
        return TransientError(f"{place} was damaged on its way here", "run again later")
    if isinstance(error, _LOST):
        return TransientError(f"{place}: the connection was lost: {_line(error)}", "check the network and run again")
    return DestinationError(f"{place} cannot be used: {_line(error)}", "check the AWS settings")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield what led to ``error``; urllib3 keeps some of it in attributes."""
    while error is not None:
        yield error
        inner = getattr(error, "reason", None)
        error = error.__cause__ or error.__context__ or (inner if isinstance(inner, BaseException) else None)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _seconds(text: str | None) -> float | None:
    """Read ``Retry-After``: a number of seconds, or a date."""
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
