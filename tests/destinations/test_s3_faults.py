"""What goes wrong between a publisher and S3: made up for where it can be, said in one sentence where not."""

from __future__ import annotations

import re
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from faults import (
    Answer,
    CutDown,
    CutUp,
    DropAfter,
    DropBefore,
    Fault,
    FaultProxy,
    FlipDown,
    FlipUp,
    Hang,
    Request,
    Rule,
    Slow,
    TruncateDown,
    either,
    every,
    first,
)
from release_samples import staged
from s3_publisher import QUICK
from s3_support import LARGE, V140, Bucket, files, large_release, publisher
from servers import S3Server

from release.destination import Outcome
from release.destination.s3 import S3Destination
from release.errors import DestinationError, TransientError
from release.publish import publish
from release.staged import StagedRelease

# Of one run in which every request fails once.
PATIENT = replace(QUICK, retries=replace(QUICK.retries, budget=200, largest_delay=0.02))


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    return large_release(tmp_path_factory.mktemp("s3") / "stage")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    return staged(tmp_path_factory.mktemp("s3") / "small")


@pytest.fixture
def proxy(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with FaultProxy(s3.host) as proxy:
        for name, value in s3.env(proxy.url).items():
            monkeypatch.setenv(name, value)
        yield proxy


@pytest.fixture
def bucket(s3: S3Server, proxy: FaultProxy) -> Bucket:
    return Bucket(s3)


@pytest.fixture
def destination(bucket: Bucket) -> S3Destination:
    return S3Destination.named(bucket.text, QUICK)


@pytest.fixture
def published(bucket: Bucket, destination: S3Destination, release: StagedRelease) -> S3Destination:
    publish(release, [destination])
    return destination


def everything_once(fault: Fault) -> Rule:
    """Fail each request the first time it is made; the answer to HEAD has no body that could say why."""
    seen: set[tuple[str, str]] = set()

    def rule(request: Request) -> Fault | None:
        what = (request.method, request.target)
        if what in seen or (request.method == "HEAD" and getattr(fault, "status", 0) in (400, 409)):
            return None
        seen.add(what)
        return fault

    return rule


@pytest.mark.parametrize(
    "fault",
    [
        Answer(500),
        Answer(502, body=b"<html>a page of something in between"),
        Answer(503, {"Retry-After": "0"}),
        Answer(429),
        Answer(400, body=b"<Error><Code>RequestTimeout</Code><Message>Too slow.</Message></Error>"),
        Answer(409, body=b"<Error><Code>ConditionalRequestConflict</Code></Error>"),
        DropBefore(),
        DropAfter(),
        CutUp(10),
        CutDown(10),
        TruncateDown(10),
        FlipUp(10),
    ],
    ids=lambda fault: type(fault).__name__ + str(getattr(fault, "status", "")),
)
def test_every_request_may_fail_once(
    fault: Fault, bucket: Bucket, proxy: FaultProxy, release: StagedRelease, s3: S3Server
) -> None:
    proxy.reset(everything_once(fault))
    (result,) = publish(release, [S3Destination.named(bucket.text, PATIENT)], "stable")
    assert result.outcome is Outcome.PUBLISHED
    assert len([request for request in proxy.requests if request.fault]) >= 30
    assert bucket.release() == files(release)
    assert bucket.uploads() == []


@pytest.mark.parametrize("path", [r"claims/", r"SHA256SUMS", r"partNumber=1", r"channels/stable"])
def test_a_server_that_hangs_is_asked_again(
    path: str, bucket: Bucket, proxy: FaultProxy, destination: S3Destination, release: StagedRelease
) -> None:
    # A body is held back for a second, for the server to say that it wants it; only then the time counts.
    proxy.reset(first(1, Hang(5), method="PUT", path=path))
    publish(release, [destination], "stable")
    asked = [one for one in proxy.requests if one.method == "PUT" and re.search(path, one.target)]
    assert len(asked) >= 2
    assert bucket.release() == files(release)


def test_a_slow_server_is_waited_for(
    bucket: Bucket, proxy: FaultProxy, destination: S3Destination, small: StagedRelease
) -> None:
    proxy.reset(every(Slow(30_000)))
    publish(small, [destination])
    assert bucket.release() == files(small)


def test_the_server_says_how_long_to_wait(proxy: FaultProxy, destination: S3Destination) -> None:
    proxy.reset(first(1, Answer(503, {"Retry-After": "1"})))
    start = time.monotonic()
    destination.check()
    assert time.monotonic() - start >= 1


def test_a_body_that_is_damaged_on_its_way_is_refused_by_the_server_and_sent_again(
    bucket: Bucket, proxy: FaultProxy, destination: S3Destination, release: StagedRelease
) -> None:
    proxy.reset(
        either(
            first(1, FlipUp(4_000_000), method="PUT", path="partNumber=1"),
            first(1, FlipUp(30), method="PUT", path="SHA256SUMS"),
        )
    )
    publish(release, [destination])
    assert sorted(request.status or 0 for request in proxy.requests if request.fault) == [400, 400]
    assert bucket.release() == files(release)


def test_a_document_that_is_damaged_on_its_way_is_read_again(
    bucket: Bucket, proxy: FaultProxy, published: S3Destination, release: StagedRelease
) -> None:
    proxy.reset(first(1, FlipDown(100), path="release.json"))
    assert published.holds(release)
    assert len(proxy.requests) == 2


def test_who_finds_its_upload_completed_by_another_is_content(
    bucket: Bucket, proxy: FaultProxy, s3: S3Server, destination: S3Destination, release: StagedRelease
) -> None:
    others: list[str | None] = []

    def rule(request: Request) -> Fault | None:
        if request.method == "POST" and "uploadId=" in request.target and not others:
            process = publisher(s3.env(), release, bucket.text)
            others.append(process.communicate(timeout=60)[0])
        return None

    proxy.reset(rule)
    (result,) = publish(release, [destination])
    assert others == ["published\n"]
    assert result.outcome is Outcome.UNCHANGED
    assert bucket.release() == files(release)


def test_an_upload_that_is_given_up_meanwhile_is_begun_again(
    bucket: Bucket, proxy: FaultProxy, destination: S3Destination, release: StagedRelease
) -> None:
    def rule(request: Request) -> Fault | None:
        if "partNumber=2" in request.target and not given_up:
            key = f"pre/fix/releases/1.4.0/{LARGE}"
            (upload,) = bucket.client.list_multipart_uploads(Bucket=bucket.name)["Uploads"]
            bucket.client.abort_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload["UploadId"])
            given_up.append(upload["UploadId"])
        return None

    given_up: list[str] = []
    proxy.reset(rule)
    publish(release, [destination])
    assert given_up
    assert bucket.release() == files(release)
    assert bucket.uploads() == []


@pytest.mark.parametrize("expected", [None, b"old"])
def test_a_swap_that_was_made_though_the_answer_was_lost_counts(
    bucket: Bucket, proxy: FaultProxy, destination: S3Destination, expected: bytes | None
) -> None:
    key = "channels/stable.json"
    if expected is not None:
        bucket.put(key, expected)
    proxy.reset(first(1, DropAfter(), method="PUT"))
    assert destination.swap(key, expected, b"new")
    assert bucket.get(key) == b"new"


@pytest.mark.parametrize("expected", [None, b"old"])
def test_a_swap_whose_answer_was_lost_counts_for_nothing_when_another_wrote(
    bucket: Bucket, proxy: FaultProxy, destination: S3Destination, expected: bytes | None
) -> None:
    key = "channels/stable.json"
    if expected is not None:
        bucket.put(key, expected)

    def rule(request: Request) -> Fault | None:
        if request.method != "PUT" or (bucket.keys("channels/") and bucket.get(key) == b"another"):
            return None
        bucket.put(key, b"another")
        return DropAfter()

    proxy.reset(rule)
    assert not destination.swap(key, expected, b"new")
    assert bucket.get(key) == b"another"


@pytest.mark.parametrize(
    "fault", [CutDown(1_000_000), TruncateDown(1_000_000), Hang(1.5)], ids=lambda fault: type(fault).__name__
)
def test_reading_goes_on_where_it_broke_off(
    fault: Fault, proxy: FaultProxy, published: S3Destination, release: StagedRelease
) -> None:
    proxy.reset(first(1, fault, method="GET"))
    data, breaks = b"", 0
    while True:
        try:
            with published.open(V140, LARGE, len(data)) as pieces:
                for piece in pieces:
                    data += piece
            break
        except TransientError:
            breaks += 1
    assert data == (release.directory / LARGE).read_bytes()
    # Before the first byte it is tried again inside.
    assert breaks == (0 if isinstance(fault, Hang) else 1)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Answer(500), "the server answered 500"),
        (DropBefore(), "the connection was lost"),
        (FlipUp(30), "the server answered 400"),
        (Answer(503, {"Retry-After": "60"}), "the server answered 503"),
    ],
    ids=["500", "dropped", "damaged", "long wait"],
)
def test_what_does_not_get_better_is_one_sentence_and_status_6(
    fault: Fault, said: str, bucket: Bucket, proxy: FaultProxy, s3: S3Server, small: StagedRelease
) -> None:
    proxy.reset(every(fault, method="PUT", path="SHA256SUMS"))
    process = publisher(s3.env(proxy.url), small, bucket.text)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (6, "")
    assert errors.count("\n") == 1
    assert said in errors
    assert f"{bucket.text}/releases/1.4.0/SHA256SUMS" in errors
    asked = len([request for request in proxy.requests if request.fault])
    assert asked == (1 if "503" in said else QUICK.retries.attempts)
    proxy.reset()
    assert publish(small, [S3Destination.named(bucket.text, QUICK)])[0].outcome is Outcome.PUBLISHED


def refused(text: str) -> str:
    """Return the sentence with which ``check`` refuses, after checking that it is one."""
    with pytest.raises(DestinationError) as error:
        S3Destination.named(text, QUICK).check()
    sentence = str(error.value)
    assert "\n" not in sentence
    assert error.value.next_step
    assert sentence.startswith("s3://")
    return sentence


def test_a_bucket_that_is_not_there(bucket: Bucket) -> None:
    assert "there is no such bucket; make it" in refused(f"{bucket.text[:-8]}x/pre/fix")


def test_no_permission(bucket: Bucket, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.outsider.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.outsider.secret_key)
    assert "this user has no permission; allow this user s3:GetObject" in refused(bucket.text)


def test_no_permission_when_the_answer_says_nothing(
    bucket: Bucket, destination: S3Destination, proxy: FaultProxy
) -> None:
    proxy.reset(every(Answer(403)))
    with pytest.raises(DestinationError, match="this user has no permission"):
        destination._bucket.exists("x")


def test_a_wrong_secret_and_an_unknown_key(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert "the secret key is wrong; check the AWS credentials" in refused(bucket.text)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "wrong")
    assert "the access key is not known; check the AWS credentials" in refused(bucket.text)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (400, "ExpiredToken", "the credentials have expired; log in again"),
        (400, "InvalidToken", "the session token is not valid; check the AWS credentials"),
        (403, "RequestTimeTooSkewed", "the clock of this machine differs from the server's; set the clock"),
        (301, "PermanentRedirect", "the server sends us elsewhere; set AWS_REGION"),
        (307, "", "the server sends us elsewhere; set AWS_REGION"),
        (400, "AuthorizationHeaderMalformed", "the bucket is in another region; set AWS_REGION"),
        (501, "NotImplemented", "the server does not know a request that is needed; use a server"),
        (400, "EntityTooLarge", "400 EntityTooLarge: So it is; check the bucket"),
    ],
)
def test_what_a_server_says(status: int, code: str, said: str, bucket: Bucket, proxy: FaultProxy) -> None:
    body = f"<Error><Code>{code}</Code><Message>So it is.</Message></Error>".encode()
    proxy.reset(every(Answer(status, body=body)))
    assert said in refused(bucket.text)
    # Which region botocore asks by HEAD, and, sent elsewhere again, without an end.
    assert len([request for request in proxy.requests if request.method == "PUT"]) == 1 or status in (301, 307)


def test_a_server_that_ignores_conditions(bucket: Bucket, proxy: FaultProxy) -> None:
    proxy.reset(every(Answer(200, {"ETag": '"x"'}), method="PUT"))
    assert "the server has no conditional writes" in refused(bucket.text)


def test_a_bucket_is_checked_by_one_request_once_it_is_known(
    bucket: Bucket, proxy: FaultProxy, destination: S3Destination
) -> None:
    destination.check()
    proxy.reset()
    destination.check()
    assert len(proxy.requests) == 1
    assert bucket.keys() == [".create-only"]


def test_missing_credentials(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert "set the usual AWS credentials" in refused(bucket.text)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "Unable to locate credentials; set the usual AWS credentials" in refused(bucket.text)


def test_an_unknown_profile(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "(nobody) could not be found; set the usual AWS credentials" in refused(bucket.text)


def test_endpoints_that_are_none(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "127.0.0.1:1")
    assert "check AWS_ENDPOINT_URL" in refused(bucket.text)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    assert "the connection was lost: Could not connect" in refused(bucket.text)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://server.invalid")
    assert refused(bucket.text)


def test_a_certificate_that_nobody_vouches_for(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, *subject],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"https://localhost:{server.server_port}")
        assert "the server's certificate is not trusted; set AWS_CA_BUNDLE" in refused(bucket.text)
        server.shutdown()


def test_a_server_called_localhost_is_asked_by_path(
    bucket: Bucket, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.endpoint.replace("127.0.0.1", "localhost"))
    S3Destination.named(bucket.text, QUICK).check()
    assert bucket.keys() == [".create-only"]


def test_the_path_style_of_the_configuration_file_is_kept(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[default]\ns3 =\n    addressing_style = path\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://server.invalid")
    assert f"http://server.invalid/{bucket.name}/" in refused(bucket.text)


def test_a_wait_may_be_said_as_a_date(proxy: FaultProxy, destination: S3Destination) -> None:
    proxy.reset(every(Answer(503, {"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"})))
    with pytest.raises(TransientError) as error:
        destination.check()
    assert error.value.retry_after
    assert len(proxy.requests) == 1
    proxy.reset(first(1, Answer(503, {"Retry-After": "whenever"})))
    destination.check()
