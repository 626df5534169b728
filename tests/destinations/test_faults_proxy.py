"""The proxy passes on what it should, and fails as each fault says; in front of real servers."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from faults import (
    Answer,
    CutDown,
    CutUp,
    DropAfter,
    DropBefore,
    FaultProxy,
    FlipDown,
    FlipUp,
    Hang,
    Kill,
    Rule,
    Slow,
    TruncateDown,
    either,
    every,
    first,
    never,
    on,
)
from servers import RegistryServer, S3Server

BODY = bytes(range(256)) * 4096
DIGEST = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
# Sees what arrives, whatever it is.
NAIVE = Config(retries={"total_max_attempts": 1}, read_timeout=2, response_checksum_validation="when_required")


class Bucket:
    """A bucket seen through a proxy with a client that tries once, and directly."""

    def __init__(self, s3: S3Server, proxy: FaultProxy) -> None:
        self.name = s3.bucket()
        self.direct = s3.client()
        self.proxied = boto3.client(
            "s3",
            endpoint_url=proxy.url,
            region_name=s3.region,
            aws_access_key_id=s3.access_key,
            aws_secret_access_key=s3.secret_key,
            config=NAIVE,
        )

    def put(self) -> None:
        self.proxied.put_object(Bucket=self.name, Key="a", Body=BODY)

    def get(self) -> bytes:
        return self.proxied.get_object(Bucket=self.name, Key="a")["Body"].read()

    def holds(self) -> bytes | None:
        try:
            return self.direct.get_object(Bucket=self.name, Key="a")["Body"].read()
        except ClientError:
            return None


@pytest.fixture
def proxy(s3: S3Server) -> Iterator[FaultProxy]:
    with FaultProxy(s3.host) as proxy:
        yield proxy


@pytest.fixture
def bucket(s3: S3Server, proxy: FaultProxy) -> Bucket:
    return Bucket(s3, proxy)


def test_passes_on_and_records(proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.put()
    assert bucket.get() == BODY
    assert bucket.proxied.get_object(Bucket=bucket.name, Key="a", Range="bytes=5-9")["Body"].read() == BODY[5:10]
    with pytest.raises(ClientError, match="404"):
        bucket.proxied.head_object(Bucket=bucket.name, Key="b")
    put, get, part, head = proxy.requests
    assert "expect" in put.headers
    assert (put.number, put.method, put.status, put.up) == (1, "PUT", 200, int(put.headers["content-length"]))
    assert (get.method, get.path, get.status, get.down) == ("GET", f"/{bucket.name}/a", 200, len(BODY))
    assert (part.range, part.status, part.down) == ("bytes=5-9", 206, 5)
    assert (head.number, head.method, head.status, head.down) == (4, "HEAD", 404, 0)


def test_passes_on_an_early_answer(proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.put()
    for _ in range(3):
        with pytest.raises(ClientError, match="PreconditionFailed"):
            bucket.proxied.put_object(Bucket=bucket.name, Key="a", Body=BODY, IfNoneMatch="*")


def test_passes_on_chunked_bodies(plain_registry: RegistryServer) -> None:
    pieces = (BODY[start : start + 70_000] for start in range(0, len(BODY), 70_000))
    with FaultProxy(plain_registry.host) as proxy, httpx.Client(base_url=proxy.url) as client:
        upload = client.post("/v2/a/blobs/uploads/").headers["location"]
        patched = client.patch(upload, content=pieces)
        assert client.put(f"{patched.headers['location']}&digest={DIGEST}").status_code == 201
        assert client.get(f"/v2/a/blobs/{DIGEST}").content == BODY
        assert [request.status for request in proxy.requests] == [202, 202, 201, 200]
        assert proxy.requests[1].headers["transfer-encoding"] == "chunked"
        assert (proxy.requests[1].up, proxy.requests[3].down) == (len(BODY), len(BODY))


def test_numbers_requests_of_many_threads(proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.put()
    proxy.reset(every(Slow(100_000_000)))
    with ThreadPoolExecutor(8) as pool:
        assert all(body == BODY for body in pool.map(lambda _: bucket.get(), range(100)))
    assert [request.number for request in proxy.requests] == list(range(1, 101))


def test_answers_itself(proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.put()
    proxy.reset(every(Answer(503, {"Retry-After": "1"}, b"later")))
    answer = httpx.put(f"{proxy.url}/{bucket.name}/a", content=BODY)
    assert (answer.status_code, answer.headers["retry-after"], answer.content) == (503, "1", b"later")
    assert httpx.head(proxy.url).status_code == 503


@pytest.mark.parametrize(
    ("fault", "arrives"),
    [
        (DropBefore(), False),
        (CutUp(1000), False),
        (DropAfter(), True),
        (Kill(lambda: None), True),
        (Answer(503), False),
        (Hang(5), None),  # and long after the client gave up, it may
    ],
)
def test_a_failed_upload(proxy: FaultProxy, bucket: Bucket, fault: Answer, arrives: bool | None) -> None:
    proxy.reset(on(1, fault))
    with pytest.raises(Exception, match=r"(?i)closed|timeout|503|reset|broken"):
        bucket.put()
    assert proxy.requests[0].fault == fault
    if arrives is not None:
        assert bucket.holds() == (BODY if arrives else None)
    bucket.put()
    assert bucket.holds() == BODY


def test_hangs_then_goes_on(proxy: FaultProxy, bucket: Bucket) -> None:
    proxy.reset(on(1, Hang(0.5)))
    start = time.monotonic()
    bucket.put()
    assert time.monotonic() - start > 0.5
    assert bucket.holds() == BODY


@pytest.mark.parametrize("fault", [CutDown(300_000), TruncateDown(300_000)])
def test_a_cut_download(proxy: FaultProxy, bucket: Bucket, fault: CutDown) -> None:
    bucket.put()
    proxy.reset(on(1, fault))
    got = b""
    with pytest.raises(Exception, match=r"(?i)reset|300000 read"):  # noqa: PT012
        for piece in bucket.proxied.get_object(Bucket=bucket.name, Key="a")["Body"].iter_chunks(1000):
            got += piece
    assert got == BODY[:300_000]
    assert proxy.requests[0].down == 300_000


def test_a_truncation_that_cannot_be_seen(proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.put()
    proxy.reset(on(1, TruncateDown(1000, hidden=True)))
    assert bucket.get() == BODY[:1000]
    assert bucket.get() == BODY


def test_flips_one_byte(proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.put()
    proxy.reset(on(1, FlipDown(500_000)))
    assert [place for place, (a, b) in enumerate(zip(bucket.get(), BODY, strict=True)) if a != b] == [500_000]


def test_flips_one_byte_on_the_way_up(plain_registry: RegistryServer) -> None:
    with FaultProxy(plain_registry.host, every(FlipUp(7), method="PUT")) as proxy, httpx.Client() as client:
        upload = client.post(f"{proxy.url}/v2/b/blobs/uploads/").headers["location"]
        done = client.put(f"{proxy.url}{upload}&digest={DIGEST}", content=BODY)
        assert (done.status_code, done.json()["errors"][0]["code"]) == (400, "DIGEST_INVALID")


def test_slows_down(proxy: FaultProxy, bucket: Bucket) -> None:
    bucket.put()
    proxy.reset(every(Slow(len(BODY))))
    start = time.monotonic()
    assert bucket.get() == BODY
    assert 0.8 < time.monotonic() - start < 5


@pytest.mark.parametrize("deliver", [True, False])
def test_kills_a_client_after_the_deed(proxy: FaultProxy, bucket: Bucket, s3: S3Server, deliver: bool) -> None:
    program = (
        "import boto3, sys; c = boto3.client('s3');"
        f"input(); c.put_object(Bucket='{bucket.name}', Key='a', Body=b'1');"
        f"c.put_object(Bucket='{bucket.name}', Key='b', Body=b'2')"
    )
    client = subprocess.Popen([sys.executable, "-c", program], env=s3.env(proxy.url), stdin=subprocess.PIPE)
    proxy.reset(on(1, Kill(client.kill, deliver=deliver)))
    client.communicate(b"\n", timeout=60)
    assert client.returncode == -9
    assert bucket.holds() == b"1"
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("rule", "failing"),
    [
        (never, []),
        (on(3, Answer(500)), [3]),
        (every(Answer(500), method="POST"), [2, 4, 6]),
        (first(2, Answer(500), path=r"^/v2/\?.*odd"), [1, 3]),
        (either(on(4, Answer(500)), first(1, Answer(500), method="GET")), [1, 4]),
    ],
)
def test_rules(plain_registry: RegistryServer, rule: Rule, failing: list[int]) -> None:
    with FaultProxy(plain_registry.host, rule) as proxy, httpx.Client(base_url=proxy.url) as client:
        for number in range(1, 7):
            client.request("GET" if number % 2 else "POST", "/v2/", params={"n": "odd" if number % 2 else "even"})
        assert [request.number for request in proxy.requests if request.status == 500] == failing
