"""The file of the api's variables, read as systemd reads it; the DSN; and keeping what is secret in them."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from doctor_site import quoted
from hypothesis import given
from hypothesis import strategies as st

from release.doctor.attempt import Problem, Trouble, attempt
from release.doctor.dsn import is_local, parameters
from release.doctor.environment import Variables, parse
from release.doctor.finding import Check
from release.doctor.project_id import to_uuid
from release.doctor.redaction import Redactor
from release.doctor.settings import judge_file, read_environment

# Each as load_env_file of libsystemd-shared 252 reads it.
READ = [
    ("A=1", {"A": "1"}),
    ("A=1\nB=2\r\nA=3\n", {"A": "3", "B": "2"}),
    ("# A=1\n ;B=2\n\n\t\nC = x y \t\n", {"C": "x y"}),
    ("A=x # y ; z", {"A": "x # y ; z"}),
    ("A=", {"A": ""}),
    ("A='x # y' ", {"A": "x # y"}),
    ("A=' x '", {"A": " x "}),
    ("A='x\\n'", {"A": "x\\n"}),
    ("A='x\ny'\nB=1", {"A": "x\ny", "B": "1"}),
    ('A="x\\"\\\\\\`\\$\\n"', {"A": 'x"\\`$\\n'}),
    ('A="x\\\ny"', {"A": "xy"}),
    ('A="x" "y" z ', {"A": "xyz"}),
    ("A=x'y'", {"A": "x'y'"}),
    ("A=x\\\ny\\ \\'z\\\\\nB=1", {"A": "xy 'z\\", "B": "1"}),
    ("A=x \\", {"A": "x "}),
    ("A=postgres://u:p%40@h/d?a=b&c=d", {"A": "postgres://u:p%40@h/d?a=b&c=d"}),
    ("A=x\\", {"A": "x"}),
    ('A="x', {"A": "x"}),
]
FAULTS = [
    ("A=1\nsecret\n", "line 2 is no NAME=value"),
    ("export A=secret", "line 1 starts with export, which is the shell's: leave that word out"),
    ("A=1\n\n1B=secret", "line 3 has no name of a variable before its ="),
    ("=secret\n", "line 1 is no NAME=value"),
    ('A=1\nB="secret\n\n', "the quote that opens in line 2 is never closed"),
    ("A='\n\n' 'secret", "the quote that opens in line 3 is never closed"),
    ("secret", "line 1 is no NAME=value"),
]


@pytest.mark.parametrize(("text", "values"), READ)
def test_variables_are_read_as_systemd_reads_them(text: str, values: dict[str, str]) -> None:
    assert parse(text).values == values


@pytest.mark.parametrize(("text", "fault"), FAULTS)
def test_lines_that_systemd_passes_over_are_named_and_not_quoted(text: str, fault: str) -> None:
    assert parse(text).faults == (fault,)


def test_a_good_file_has_no_faults() -> None:
    assert all(parse(text).faults == () for text, _ in READ[:-1])


@given(
    st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True), st.text().filter(lambda t: "\r" not in t))
)
def test_whatever_is_quoted_comes_back(values: dict[str, str]) -> None:
    text = "".join(f"{name}={quoted(value)}\n" for name, value in values.items())
    assert parse(text) == Variables(values=values)


@given(st.text("A=\\'\"# \n;$x"))
def test_any_text_is_read(text: str) -> None:
    parse(text)


def test_the_file_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "api.env"
    path.write_text("A=1\n")
    path.chmod(0o640)
    file = read_environment(path)
    assert judge_file(path, file).found == f"{path}: 1 variables, mode 0640"
    for mode in (0o644, 0o602, 0o777):
        path.chmod(mode)
        finding = judge_file(path, read_environment(path))
        assert (finding.status, finding.advice) == ("FAIL", f"chmod o= {path}")
    path.chmod(0o600)
    path.write_text("A=1\nsecret\n")
    assert judge_file(path, read_environment(path)).found == f"{path}: line 2 is no NAME=value"
    path.write_bytes(b"A=\xff\n")
    with pytest.raises(Trouble, match="is not UTF-8"):
        read_environment(path)
    path.write_bytes(b"#" * (1 << 20) + b"#")
    with pytest.raises(Trouble, match="larger"):
        read_environment(path)
    with pytest.raises(Trouble, match="cannot be read: Is a directory"):
        read_environment(tmp_path)
    with pytest.raises(Trouble, match="cannot be read: No such file"):
        read_environment(tmp_path / "other")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Trouble, match="is no file"):
        read_environment(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("dsn", "found"),
    [
        ("postgres://u:p%40w@h:1/d", {"user": "u", "password": "p@w", "host": "h", "port": "1", "dbname": "d"}),
        ("postgresql://h/d?sslmode=require", {"host": "h", "dbname": "d", "sslmode": "require"}),
        (
            "postgres://h/d?pool_max_conns=4&timezone=UTC&sslmode=disable",
            {"host": "h", "dbname": "d", "sslmode": "disable"},
        ),
        ("postgres://a,b:2/d", {"host": "a,b", "port": ",2", "dbname": "d"}),
        ("postgres:///d?host=/run/pg", {"host": "/run/pg", "dbname": "d"}),
        ("postgres://h/d?search_path=a%20b", {"host": "h", "dbname": "d", "options": "-c search_path=a\\ b"}),
        ("host=h user=u password='p w'", {"host": "h", "user": "u", "password": "p w"}),
    ],
)
def test_the_dsn_is_understood(dsn: str, found: dict[str, str]) -> None:
    assert parameters(dsn) == found


@pytest.mark.parametrize(
    "dsn",
    [
        "mysql://u:secret@h/d",
        "secret",
        "postgres://u:secret@h:x/d",
        "postgres://u:p@secret@h/d",
        "postgres://u:1/secret@h/d",
        "postgres://u:1#secret@h/d",
        "postgres://[secret/d",
        "host=h secret=1",
        "postgres://u:se%xxcret@h/",
    ],
)
def test_what_is_no_dsn_is_not_quoted(dsn: str) -> None:
    with pytest.raises(Trouble, match="API_DB_DSN is no postgres:// URL") as caught:
        parameters(dsn)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("found", "local"),
    [
        ({"host": "localhost"}, True),
        ({"host": "127.0.0.2"}, True),
        ({"host": "::1"}, True),
        ({"host": "/run/postgresql"}, True),
        ({}, True),
        ({"host": "db.example.com"}, False),
        ({"host": "localhost,db.example.com"}, False),
        ({"host": "localhost", "hostaddr": "10.0.0.1"}, False),
    ],
)
def test_a_connection_that_stays_here_is_told(found: dict[str, str], local: bool) -> None:
    assert is_local(found) == local


def test_an_id_of_a_project_is_a_uuid() -> None:
    assert str(to_uuid("project_" + "0" * 24 + "z")) == "00000000-0000-0000-0000-000000000023"
    # One that Tesseral's own bootstrap printed has this form; above 128 bits there is none.
    assert to_uuid("project_54vwf0clhh0caqe20eujxgpeq") is not None
    assert to_uuid("project_" + "z" * 25) is None
    assert to_uuid("project_1") is to_uuid("") is None


def test_secrets_are_replaced_wherever_they_stand() -> None:
    redactor = Redactor.of(
        {
            "API_DB_DSN": "postgres://u:p%40ss@h/d",
            "API_SVIX_API_KEY": "abcd",
            "API_STRIPE_API_KEY": "abcdef",
            "API_KMS_ENDPOINT_RESOLVER_URL": "http://me:hidden@kms:1",
            "API_CONSOLE_DOMAIN": "console.example.com",
            "AWS_REGION": "eu-central-1",
            "OTHER": "first-line\nsecond-line",
            "SHORT": "abc",
        }
    )
    text = "p@ss p%40ss abcdef abcd abc hidden console.example.com eu-central-1 second-line postgres://u:p%40ss@h/d"
    assert redactor.text(text) == (
        "<API_DB_DSN> <API_DB_DSN> <API_STRIPE_API_KEY> <API_SVIX_API_KEY> abc <API_KMS_ENDPOINT_RESOLVER_URL> "
        "console.example.com eu-central-1 <OTHER> <API_DB_DSN>"
    )
    other = Redactor.of({"API_DB_DSN": "host=h password='it\\'s one' user=u"})
    assert "s one" not in other.text("password 'it\\'s one'")
    finding = Check("abcd", "abcd").fail("abcd", "abcd")
    (hidden,) = redactor.findings([finding])
    assert {hidden.check, hidden.subject, hidden.found, hidden.advice} == {"<API_SVIX_API_KEY>"}


def test_an_attempt_ends_with_its_time() -> None:
    never = threading.Event()
    assert attempt(never.wait, 0.05) == Problem("no answer within 0.05 s")
    never.set()
    assert attempt(lambda: 5, 5) == 5

    def troubled() -> None:
        raise Trouble("in words")

    assert attempt(troubled, 5) == Problem("in words")

    def defect() -> None:
        raise KeyError("a secret")

    said = str(attempt(defect, 5))
    assert said.startswith("a defect of this program: KeyError in test_doctor_environment.py:")
    assert "secret" not in said
