"""What needs no server: names, challenges, files of credentials, and the documents of a release."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from release_samples import staged

from release.destination import open_destination
from release.destination.registry import RegistryDestination, artifact, auth, credentials, failures, plan
from release.destination.registry.reference import parse
from release.destination.registry.referrers import fallback_tag
from release.errors import DestinationError, TransientError, UsageError, VerificationError


@pytest.mark.parametrize(
    ("text", "url", "repository"),
    [
        ("oci://registry.example.com/team/tesseral", "https://registry.example.com", "team/tesseral/x"),
        ("oci://registry.example.com:5000", "https://registry.example.com:5000", "x"),
        ("OCI://registry.example.com/", "https://registry.example.com", "x"),
        ("oci://localhost/a_b/c--d.e", "http://localhost", "a_b/c--d.e/x"),
        ("oci://127.9.8.7:5000/a/", "http://127.9.8.7:5000", "a/x"),
        ("oci://[::1]:5000/a", "http://[::1]:5000", "a/x"),
        ("oci://[::1]/a", "http://[::1]", "a/x"),
        ("oci://[2001:db8::1]:5000/a", "https://[2001:db8::1]:5000", "a/x"),
        ("oci://127.0.0.1.example.com/a", "https://127.0.0.1.example.com", "a/x"),
        ("oci://128.0.0.1/a", "https://128.0.0.1", "a/x"),
    ],
)
def test_a_reference(text: str, url: str, repository: str) -> None:
    reference = parse(text)
    assert (reference.url, reference.repository("x"), reference.text) == (url, repository, text)


@pytest.mark.parametrize(
    "text",
    [
        "oci://",
        "oci:///a",
        "oci://user:password@registry.example.com/a",
        "oci://registry.example.com:0/a",
        "oci://registry.example.com:65536/a",
        "oci://registry.example.com:port/a",
        "oci://registry.example.com/A",
        "oci://registry.example.com/a//b",
        "oci://registry.example.com/a/../b",
        "oci://registry.example.com/a:1.4.0",
        "oci://registry.example.com/a?b",
        "oci://registry.example.com/a b",
        "oci://-example/a",
        "oci://[::1/a",
        "oci://[1.2.3]/a",
        "oci://::1/a",
        "s3://bucket/a",
    ],
)
def test_a_malformed_reference_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        RegistryDestination.named(text)
    assert caught.value.exit_status == 2
    assert "password" not in str(caught.value).replace("without a password", "").replace(repr(text), "")


def test_opening_connects_to_nothing() -> None:
    opened = open_destination("oci://registry.example.com/team")
    assert isinstance(opened, RegistryDestination)
    assert opened.name == "oci://registry.example.com/team"
    assert not opened.browsable


def test_challenges() -> None:
    header = (
        'Basic realm="a, b=c", Bearer realm="https://t.example.com/x",service="s\\"q",scope="repository:a:pull,push"'
    )
    basic, bearer = auth.challenges([header])
    assert (basic.scheme, basic.parameters) == ("basic", {"realm": "a, b=c"})
    assert bearer.scheme == "bearer"
    assert bearer.parameters == {
        "realm": "https://t.example.com/x",
        "service": 's"q',
        "scope": "repository:a:pull,push",
    }
    assert [one.scheme for one in auth.challenges(["Negotiate", "Basic realm=plain"])] == ["negotiate", "basic"]
    assert auth.challenges(["", "=", '"']) == []


def _auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("auths", "user"),
    [
        ({"r.example.com": _auth("u", "p")}, "u"),
        ({"https://r.example.com/v2/": _auth("u", "p")}, "u"),
        ({"r.example.com": {"username": "u", "password": "p"}}, "u"),
        ({"r.example.com": _auth("host", "p"), "r.example.com/a": _auth("u", "p")}, "u"),
        ({"r.example.com/a": _auth("a", "p"), "r.example.com/a/b": _auth("u", "p")}, "u"),
        ({"r.example.com/a/b/c": _auth("longer", "p")}, None),
        ({"example.com": _auth("other", "p"), "r.example.com:5000": _auth("other", "p")}, None),
        ({"r.example.com": {}}, None),
        ({}, None),
    ],
)
def test_credentials_of_a_place(tmp_path: Path, auths: dict[str, dict[str, str]], user: str | None) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    found = credentials.find(parse("oci://r.example.com/a/b"), {"DOCKER_CONFIG": str(tmp_path)})
    assert (found.user if found else None) == user
    assert found is None or found.password == "p"
    assert "password=" not in repr(found)


def test_an_identity_token_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(json.dumps({"auths": {"r.example.com": {"identitytoken": "t", "auth": "dTo="}}}))
    found = credentials.find(parse("oci://r.example.com/a"), {"REGISTRY_AUTH_FILE": str(tmp_path / "f")})
    assert found is not None
    assert (found.user, found.identity_token) == ("", "t")
    assert credentials.find(parse("oci://r.example.com/a"), {"REGISTRY_AUTH_FILE": str(tmp_path / "none")}) is None
    with pytest.raises(DestinationError, match="cannot be read: Is a directory"):
        credentials.find(parse("oci://r.example.com/a"), {"REGISTRY_AUTH_FILE": str(tmp_path)})


def test_when_to_come_back() -> None:
    def wait(value: str) -> float | None:
        error = failures.refusal("there", "there", 503, {"retry-after": value}, b"")
        assert isinstance(error, TransientError)
        return error.retry_after

    assert wait("7") == 7
    assert wait("soon") is None
    later = wait(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert later is not None
    assert 25 < later <= 30
    assert wait("Thu, 01 Jan 1970 00:00:00 GMT") == 0


def test_a_plan_is_the_same_wherever_the_release_goes(tmp_path: Path) -> None:
    release = staged(tmp_path / "stage")
    plans = [plan.plan(release, parse(f"oci://{place}")) for place in ("localhost/a", "r.example.com/b/c")]
    digests = [[placed.document.digest for placed in one.tops] for one in plans]
    assert digests[0] == digests[1]
    # Changed only on purpose: what is published under a version must not depend on who publishes.
    assert digests[0][-1].sha256 == "sha256:55cfce58fc6da97b3a7a4d18e11498c398b4f8118a9843f79b39d87f8a875f8e"
    assert [placed.repository for placed in plans[1].tops] == ["b/c/tesseral-api", "b/c/tesseral-release"]


def test_a_plan_of_a_damaged_layout_is_refused(tmp_path: Path) -> None:
    release = staged(tmp_path / "stage")
    path = release.directory / "images/tesseral-api/blobs/sha256" / release.manifest.images[0].digest[7:]
    for data in (path.read_bytes() + b" ", b"{}", None):
        path.unlink()
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(VerificationError, match="stage it again"):
            plan.plan(release, parse("oci://localhost/a"))
        path.touch()


def test_the_empty_config_is_the_one_of_the_specification() -> None:
    document = json.loads(artifact.Artifact(artifact_type="a/b", layers=()).document().data)
    assert document["config"] == {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "size": 2,
    }


def test_the_tag_of_a_list_of_referrers() -> None:
    assert fallback_tag("sha256:" + "a" * 64) == "sha256-" + "a" * 64
    assert fallback_tag("sha512:" + "b" * 128) == "sha512-" + "b" * 64
