from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.destination import open_origin
from release.destination.http_errors import retry_after
from release.destination.https import HttpsOrigin
from release.errors import DestinationError, UsageError


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://example.com", "https://example.com"),
        ("https://example.com/", "https://example.com"),
        ("https://example.com/a/b/", "https://example.com/a/b"),
        ("https://user:p%40ss@example.com:8443/a", "https://example.com:8443/a"),
        ("HTTPS://Example.com/A", "https://example.com/A"),
        ("http://localhost:8080/a", "http://localhost:8080/a"),
        ("http://127.0.0.1/a", "http://127.0.0.1/a"),
        ("http://[::1]:80/a", "http://[::1]/a"),
    ],
)
def test_names(text: str, name: str) -> None:
    origin = open_origin(text)
    assert isinstance(origin, HttpsOrigin)
    assert origin.name == name


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("http://example.com/a", "http://example.com/a could be read and changed on its way; use https://"),
        ("http://user:secret@10.0.0.1/", "http://10.0.0.1 could be read and changed on its way; use https://"),
        ("http://localhost.example.com/", "could be read"),
        ("http://127.0.0.1.example.com/", "could be read"),
        ("https://", "'https:' is not the URL of a folder"),
        ("https://example.com/a?token=secret", "'https://example.com/a' is not the URL of a folder"),
        ("https://example.com/a#b", "is not the URL of a folder"),
        ("https://example.com:port/", "is no URL"),
        ("https://exa mple.com/\0", "is no URL"),
    ],
)
def test_what_is_no_name(text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_origin(text)
    assert sentence in str(caught.value)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_an_origin_or_a_sentence(text: str) -> None:
    with suppress(UsageError):
        HttpsOrigin.named(f"https://{text}")


@pytest.mark.parametrize(("value", "seconds"), [("0", 0.0), ("7", 7.0), ("9" * 30, 999999999.0)])
def test_seconds_to_wait(value: str, seconds: float) -> None:
    assert retry_after(value) == seconds


@pytest.mark.parametrize("value", [None, "", "soon", "-1", "1.5", "٣", "Wed, 99 Foo 2026 00:00:00 GMT"])
def test_other_words_are_no_time_to_wait(value: str | None) -> None:
    assert retry_after(value) is None


def test_dates_to_wait_for() -> None:
    then = datetime.now(UTC) + timedelta(seconds=30)
    assert 25 < (retry_after(format_datetime(then, usegmt=True)) or 0) <= 30
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after("Wed, 21 Oct 2015 07:28:00 -0000") == 0


def test_an_authority_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "nowhere.pem")
    with pytest.raises(DestinationError, match="No such file or directory; check SSL_CERT_FILE"):
        open_origin("https://localhost").versions()


def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://somewhere")
    with pytest.raises(DestinationError, match="check SSL_CERT_FILE and the variables of the proxy"):
        open_origin("https://example.com").versions()
