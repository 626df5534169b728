"""What the values of a console may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release.configure import console_values
from release.errors import UsageError

PROJECT = "project_2wph7aB"


def url(text: str) -> str:
    return console_values(api_url=text, dogfood_project_id=PROJECT)["CONSOLE_API_URL"]


def test_both_values_by_their_variables() -> None:
    assert console_values(api_url="https://api.example.com", dogfood_project_id=PROJECT) == {
        "CONSOLE_API_URL": "https://api.example.com",
        "CONSOLE_DOGFOOD_PROJECT_ID": PROJECT,
    }


@pytest.mark.parametrize(
    "text",
    [
        "https://api.example.com",
        "https://api.example.com:8443/tesseral/$x'y&(z)!",
        "https://x",
        "https://10.0.0.1/a%20b",
        "https://[2001:db8::1]:443",
        "http://localhost",
        "http://console.localhost:3001",
        "http://127.0.0.1:3001",
        "http://127.8.8.8",
        "http://[::1]:3001",
        "HTTPS://API.example.com",
    ],
)
def test_urls_that_do(text: str) -> None:
    assert url(text) == text
    assert url(f"{text}///") == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no absolute URL; write it like https://vault.console.example.com"),
        ("api.example.com", "is no absolute URL"),
        ("//api.example.com", "is no absolute URL"),
        ("/api", "is no absolute URL"),
        ("https://", "is no absolute URL"),
        ("https:///api", "is no absolute URL"),
        ("https:api.example.com", "is no absolute URL"),
        ("https://api..example.com", "is no absolute URL"),
        ("https://api.example.com:x", "is no absolute URL"),
        ("https://api.example.com:0", "is no absolute URL"),
        ("https://api.example.com:65536", "is no absolute URL"),
        ("https://[::1", "is no absolute URL"),
        ("https://[api]", "is no absolute URL"),
        ("https://api.example.com/ ", "is no absolute URL"),
        (" https://api.example.com", "is no absolute URL"),
        ("https://api.example.com\n", "is no absolute URL"),
        ("https://api.exa\tmple.com", "is no absolute URL"),
        ("https://api.example.com/\x00", "is no absolute URL"),
        ("https://größe.example", "is no absolute URL"),
        ('https://api.example.com/"', "is no absolute URL"),
        ("https://api.example.com/<x>", "is no absolute URL"),
        ("https://api.example.com/\\x", "is no absolute URL"),
        ("https://api.example.com/`", "is no absolute URL"),
        ("https://api.example.com/%zz", "is no absolute URL"),
        ("https://api.example.com?", "has a query or a fragment; leave out what follows the path"),
        ("https://api.example.com/?a=b", "has a query or a fragment"),
        ("https://api.example.com/#a", "has a query or a fragment"),
        (
            "http://api.example.com",
            "is no https URL; write it like https://vault.console.example.com; http does for localhost",
        ),
        ("http://127.0.0.1.example.com", "is no https URL"),
        ("http://notlocalhost", "is no https URL"),
        ("http://10.0.0.1", "is no https URL"),
        ("http://[2001:db8::1]", "is no https URL"),
        ("ftp://api.example.com", "is no https URL"),
        ("javascript://api.example.com/", "is no https URL"),
    ],
)
def test_urls_that_do_not(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        url(text)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "text", ["https://me:secret@api.example.com", "me:secret@x", "//me:secret@x", "ftp://me:secret@x?"]
)
def test_a_password_is_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        url(text if "//" in text else f"https://{text}")
    assert "holds a user name or a password" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "project_", "2wph", "project-2wph", "Project_2wph", "project_a b", "project_é", "project_x\n", "xproject_a"],
)
def test_project_ids_that_do_not(text: str) -> None:
    with pytest.raises(UsageError, match="not project_ and letters or digits; it is the first of the three values"):
        console_values(api_url="https://api.example.com", dogfood_project_id=text)


def test_what_bootstrap_printed_is_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        console_values(
            api_url="https://api.example.com", dogfood_project_id=f"{PROJECT}\troot@example.com\tthis_is_a_password"
        )
    assert "this_is_a_password" not in str(caught.value)


@given(st.text())
def test_whatever_is_given_is_a_url_without_a_slash_or_refused(text: str) -> None:
    for value in (text, f"https://{text}", f"https://api.example.com/{text}"):
        try:
            taken = url(value)
        except UsageError:
            continue
        assert taken == value.rstrip("/")
        assert taken.isascii()
        assert taken.isprintable()
        assert not set(taken) & set(' "<>\\^`{|}')
