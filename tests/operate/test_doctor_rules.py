"""What doctor makes of facts, without a server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from doctor_site import PAGES, PROJECT
from settings_samples import settings, site_of

from release.doctor.attempt import Problem
from release.doctor.certificates import Served, covers, judge_certificate
from release.doctor.database import Facts, Project, Schema
from release.doctor.database_rules import judge_project, judge_schema, judge_tls, judge_version
from release.doctor.finding import Check, Finding
from release.doctor.hosts import judge_dns, judge_redirect
from release.doctor.kms import Key, judge_bootstrapped, judge_key
from release.doctor.pages import Pages, judge_pages
from release.doctor.proxies import Asked, Route, is_kept, judge_api, judge_route
from release.doctor.report import render
from release.doctor.resolve import Override, Resolver, parse_override
from release.doctor.s3 import judge_bucket
from release.doctor.ses import Account, Identity, judge_account, judge_identity, senders
from release.doctor.settings import judge_complete, judge_domains, judge_listening, judge_names
from release.doctor.variables import KNOWN, Need, is_public
from release.doctor.web import Answer
from release.errors import UsageError
from release.manifest import Requirements

SITE = site_of(settings(hosts={"vaults": ["*.vaults.example.com"]}))
NOW = datetime(2026, 11, 24, tzinfo=UTC)
GOOD_VALUES = {
    name: {
        "API_DOGFOOD_PROJECT_ID": PROJECT,
        "API_PAGE_ENCODING_VALUE": PAGES,
        "API_USER_CONTENT_BASE_URL": "https://content.example.com",
        "API_CONSOLE_DOMAIN": "console.example.com",
        "API_AUTH_APPS_ROOT_DOMAIN": "vaults.example.com",
    }.get(name, "value")
    for name, one in KNOWN.items()
    if one.need is not Need.NEVER
}
FACTS = Facts(version=170002, local=False, tls=True, schema=Schema(version=90, dirty=False), has_projects=True)


def said(finding: Finding) -> tuple[str, str]:
    return str(finding.status), finding.found


# The variables.


@pytest.mark.parametrize("name", [name for name, one in KNOWN.items() if one.need is not Need.NEVER])
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_missing_is_named(name: str, value: str | None) -> None:
    assert judge_complete(GOOD_VALUES).status == "ok"
    values = {key: one for key, one in GOOD_VALUES.items() if key != name} | ({} if value is None else {name: value})
    found = judge_complete(values)
    if value == "" and not KNOWN[name].maybe_empty:
        assert found.found.startswith(f"{name} is not")
    else:
        always = KNOWN[name].need is Need.ALWAYS
        assert said(found) == ("FAIL" if always else "warn", f"missing: {name} (for {KNOWN[name].without})")


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("API_DOGFOOD_PROJECT_ID", "project_1", "is not project_ and 25 digits or lower-case letters"),
        ("API_PAGE_ENCODING_VALUE", PAGES + "0", "is not 32 bytes in hex, which are 64 digits"),
        ("API_PAGE_ENCODING_VALUE", "0" * 64, "is all zeroes, which anyone can guess"),
        ("API_CONSOLE_DOMAIN", "https://console.example.com", "is no host name alone"),
        ("API_SERVE_ADDR", "3001", "is not :port or host:port"),
        ("API_KMS_ENDPOINT_RESOLVER_URL", "kms:4566", "is no http:// or https:// URL"),
        ("API_S3_ENDPOINT_RESOLVER_URL", "http://s3:99999", "is no http:// or https:// URL"),
        ("API_OTEL_EXPORT_TRACES", "yes", "is neither true nor false"),
        ("API_OTEL_EXPORT_TRACES", "", "is neither true nor false"),
    ],
)
def test_a_value_of_another_form_is_told_and_not_shown(name: str, value: str, fault: str) -> None:
    found = judge_complete(GOOD_VALUES | {name: value})
    assert said(found) == ("FAIL", f"{name} {fault}")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = judge_complete({"API_OTEL_EXPORT_TRACES": "yes"})
    assert found.found.count("(for ") == 5
    assert "API_OTEL_EXPORT_TRACES is neither" in found.found


def test_names_that_nothing_reads_are_told() -> None:
    assert judge_names(GOOD_VALUES | {"OTHER": "1"}).status == "ok"
    found = judge_names({"API_DB_DNS": "x", "API_UI_URL": "x", "API_CONSOLE_DOMAIN": "x"})
    assert said(found) == ("warn", "the api reads no API_DB_DNS (did you mean API_DB_DSN?), API_UI_URL")


def test_what_is_public_is_known_to_be() -> None:
    secret = {name for name in KNOWN if not is_public(name)}
    assert secret == {
        "API_DB_DSN",
        "API_SVIX_API_KEY",
        "API_PAGE_ENCODING_VALUE",
        "API_CLOUDFLARE_API_TOKEN",
        "API_STRIPE_API_KEY",
        "API_SENTRY_DSN",
        *(f"API_DEFAULT_{who}_OAUTH_CLIENT_SECRET" for who in ("GOOGLE", "MICROSOFT", "GITHUB")),
    }
    assert not is_public("AWS_SECRET_ACCESS_KEY")
    assert not is_public("API_SOMETHING_NEW")


def test_the_api_has_to_call_the_hosts_what_the_settings_call_them() -> None:
    assert judge_domains(SITE, GOOD_VALUES).status == "ok"
    for value in ("other.example.com", ""):
        found = judge_domains(SITE, GOOD_VALUES | {"API_CONSOLE_DOMAIN": value})
        assert said(found) == (
            "FAIL",
            f"API_CONSOLE_DOMAIN is {value or 'not set'}, [hosts] console is console.example.com",
        )
    found = judge_domains(SITE, GOOD_VALUES | {"API_AUTH_APPS_ROOT_DOMAIN": "apps.example.com"})
    assert (found.status, found.advice) == ("warn", 'add "*.apps.example.com" to [hosts] vaults')


@pytest.mark.parametrize(
    ("serve", "status"), [(":3001", "ok"), ("0.0.0.0:3001", "ok"), (":3002", "warn"), ("", "skipped")]
)
def test_the_api_has_to_listen_where_it_is_asked(serve: str, status: str) -> None:
    assert judge_listening(SITE, {"API_SERVE_ADDR": serve}).status == status


# The database.


@pytest.mark.parametrize(
    ("version", "needed", "status"),
    [
        (160004, ">=16.4", "ok"),
        (160003, ">=16.4", "FAIL"),
        (150018, ">=16.4", "FAIL"),
        (170000, ">=16.4", "ok"),
        (170000, ">=17", "ok"),
        (160010, ">=16.9", "ok"),
    ],
)
def test_an_old_postgresql_is_refused(version: int, needed: str, status: str) -> None:
    assert judge_version(replace(FACTS, version=version), needed).status == status


def test_a_connection_in_the_clear_is_told() -> None:
    assert judge_tls(FACTS).status == "ok"
    assert judge_tls(replace(FACTS, tls=False, local=True)).status == "ok"
    assert judge_tls(replace(FACTS, tls=False)).status == "warn"


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        (Schema(version=90, dirty=False), ("ok", "it is at 90, as 1.4.0 needs it")),
        (Schema(version=89, dirty=False), ("FAIL", "it is at 89, 1.4.0 needs 90")),
        (Schema(version=91, dirty=False), ("FAIL", "it is at 91, 1.4.0 knows no more than 90")),
        (Schema(version=90, dirty=True), ("FAIL", "migration 90 stopped half-way")),
        (None, ("FAIL", "the database has no schema yet")),
    ],
)
def test_the_schema_has_to_be_that_of_the_release(schema: Schema | None, found: tuple[str, str]) -> None:
    needs = Requirements(first_migration=1, last_migration=90)
    assert said(judge_schema(replace(FACTS, schema=schema), needs, "1.4.0")) == found


def test_without_a_release_the_schema_is_only_told() -> None:
    assert judge_schema(FACTS, Requirements(), "").status == "skipped"
    assert judge_schema(replace(FACTS, schema=None), Requirements(), "").status == "FAIL"


def test_the_project_has_to_be_there() -> None:
    there = replace(FACTS, project=Project(vault_domain=SITE.hosts.vault))
    assert judge_project(there, SITE, PROJECT).status == "ok"
    assert judge_project(replace(FACTS, project=Project()), SITE, PROJECT).status == "ok"
    assert judge_project(FACTS, SITE, PROJECT).status == "FAIL"
    assert judge_project(FACTS, SITE, "").status == "skipped"
    assert judge_project(replace(FACTS, has_projects=False), SITE, PROJECT).status == "FAIL"
    other = replace(FACTS, project=Project(vault_domain="vault.other.example"))
    assert said(judge_project(other, SITE, PROJECT)) == (
        "FAIL",
        "its vault is vault.other.example in the database, [hosts] vault is vault.console.example.com",
    )


@pytest.mark.parametrize(
    ("project", "refused", "status"),
    [
        (Project(kms_key_id="k"), "", "ok"),
        (Project(kms_key_id="other"), "", "FAIL"),
        (Project(ciphertext=b"x"), "", "ok"),
        (Project(ciphertext=b"x"), "InvalidCiphertextException", "FAIL"),
        (Project(ciphertext=b"x"), Problem("no answer"), "skipped"),
        (Project(), "", "skipped"),
        (None, "", "skipped"),
    ],
)
def test_the_key_of_sessions_has_to_be_the_one_of_bootstrap(
    project: Project | None, refused: str | Problem, status: str
) -> None:
    assert judge_bootstrapped(replace(FACTS, project=project), "k", refused).status == status
    assert judge_bootstrapped(replace(FACTS, project=project), "", refused).status == "skipped"


# AWS.


@pytest.mark.parametrize(
    ("key", "status"),
    [
        (Key(state="Enabled", usage="ENCRYPT_DECRYPT", problem=None), "ok"),
        (Key(state=None, usage=None, problem=None), "ok"),
        (Key(state="Disabled", usage="ENCRYPT_DECRYPT", problem="DisabledException"), "FAIL"),
        (Key(state="PendingDeletion", usage="ENCRYPT_DECRYPT", problem=None), "FAIL"),
        (Key(state="Enabled", usage="SIGN_VERIFY", problem="UnsupportedOperationException"), "FAIL"),
        (Key(state="Enabled", usage="ENCRYPT_DECRYPT", problem="AccessDeniedException"), "FAIL"),
        (Key(state=None, usage=None, problem="NotFoundException"), "FAIL"),
        (Problem("no answer"), "FAIL"),
    ],
)
def test_a_key_has_to_encrypt_and_decrypt(key: Key | Problem, status: str) -> None:
    assert judge_key("API_SESSION_KMS_KEY_ID", key).status == status


@pytest.mark.parametrize(
    ("answer", "status"), [(200, "ok"), (404, "FAIL"), (403, "warn"), (301, "FAIL"), (400, "FAIL")]
)
def test_a_bucket_has_to_be_there(answer: int, status: str) -> None:
    values = {"API_S3_USER_CONTENT_BUCKET_NAME": "b"}
    assert judge_bucket(values, (answer, "what S3 says")).status == status
    assert judge_bucket(values, Problem("no answer")).status == "FAIL"
    assert judge_bucket(values, (404, "")).found == "there is no bucket b"
    assert judge_bucket(values, (301, "")).found == "b is in another region"
    assert judge_bucket(values, (400, "what S3 says")).found == "b: what S3 says"


@pytest.mark.parametrize(
    ("identity", "status"),
    [
        (Identity(region="eu-central-1", domain="example.com", verified=True), "ok"),
        (Identity(region="eu-central-1", domain="example.com"), "FAIL"),
        (Identity(region="eu-central-1"), "FAIL"),
        (Problem("no answer"), "FAIL"),
    ],
)
def test_mail_has_to_come_from_a_verified_domain(identity: Identity | Problem, status: str) -> None:
    assert judge_identity("mail.example.com", identity).status == status


@pytest.mark.parametrize(
    ("account", "status"),
    [
        (Account(production=True, sending=True), "ok"),
        (Account(production=False, sending=True), "warn"),
        (Account(production=True, sending=False), "FAIL"),
        ("AccessDeniedException", "skipped"),
        (Problem("no answer"), "FAIL"),
    ],
)
def test_mail_has_to_reach_everybody(account: Account | str | Problem, status: str) -> None:
    assert judge_account(account).status == status


def test_where_mail_comes_from() -> None:
    root = {"API_AUTH_APPS_ROOT_DOMAIN": "vaults.example.com"}
    facts = replace(FACTS, project=Project(email_domain="post.example.com"))
    assert senders(SITE, root, facts) == ("post.example.com", "mail.vaults.example.com")
    assert senders(SITE, root, None) == ("mail.vault.console.example.com", "mail.vaults.example.com")
    assert senders(SITE, {}, Problem("")) == ("mail.vault.console.example.com",)


# Hosts.


def served(**changes: object) -> Served:
    good = Served(names=("*.example.com",), starts=NOW - timedelta(1), ends=NOW + timedelta(60), version="TLSv1.3")
    return replace(good, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "status", "found"),
    [
        ({}, "ok", "good until 2027-01-23, TLSv1.3"),
        (
            {"names": ("other.example.com", "x.api.example.com")},
            "FAIL",
            "it is for other.example.com, x.api.example.com",
        ),
        ({"names": ()}, "FAIL", "it is for no name"),
        ({"ends": NOW}, "FAIL", "it expired on 2026-11-24"),
        ({"starts": NOW + timedelta(2)}, "FAIL", "it is good from 2026-11-26 on"),
        ({"untrusted": "self-signed"}, "FAIL", "its chain is not trusted (self-signed)"),
        ({"ends": NOW + timedelta(20, 5)}, "warn", "it expires on 2026-12-14, in 20 days"),
        ({"ends": NOW + timedelta(21)}, "ok", "good until 2026-12-15, TLSv1.3"),
        ({"old": True}, "warn", "the server also speaks TLS older than 1.2"),
        (
            {"names": (), "ends": NOW, "untrusted": "why"},
            "FAIL",
            "it is for no name; it expired on 2026-11-24; its chain is not trusted (why)",
        ),
    ],
)
def test_a_certificate_has_to_be_good_for_the_name(changes: dict[str, object], status: str, found: str) -> None:
    assert said(judge_certificate("*.x", "api.example.com", served(**changes), NOW, "do")) == (status, found)


@pytest.mark.parametrize(
    ("name", "host", "good"),
    [
        ("api.example.com", "api.example.com", True),
        ("API.example.com", "api.example.com", True),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "a.api.example.com", False),
        ("*.example.com", "example.com", False),
        ("a*.example.com", "api.example.com", False),
        ("*", "example", False),
    ],
)
def test_a_star_stands_for_one_label(name: str, host: str, good: bool) -> None:
    assert covers(name, host) == good


def test_dns_has_to_know_the_name() -> None:
    assert said(judge_dns("h", ("1.2.3.4", "::1"), None)) == ("ok", "1.2.3.4, ::1")
    assert judge_dns("h", Problem("h has no address in DNS"), None).status == "FAIL"
    assert judge_dns("h", (), Override(host="h", port=443, address="127.0.0.1", to=1)).status == "skipped"


@pytest.mark.parametrize(
    ("status", "location", "good"),
    [
        (301, "https://h.example.com/x", True),
        (308, "https://h.example.com/", True),
        (301, "https://h.example.com", False),
        (301, "http://h.example.com/x", False),
        (301, "https://h.example.com.evil.example/x", False),
        (301, "https://other.example.com/x", False),
        (200, "https://h.example.com/x", False),
        (404, "", False),
    ],
)
def test_plain_http_has_to_lead_to_https(status: int, location: str, good: bool) -> None:
    answer = Answer(status=status, headers={"location": location})
    assert judge_redirect("*.example.com", "h.example.com", SITE, answer).status == ("ok" if good else "FAIL")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "vault.example.com:443:203.0.113.7",
            Override(host="vault.example.com", port=443, address="203.0.113.7", to=443),
        ),
        ("*:443:127.0.0.1:8443", Override(host="*", port=443, address="127.0.0.1", to=8443)),
        ("*.example.com:80:[::1]:81", Override(host="*.example.com", port=80, address="::1", to=81)),
    ],
)
def test_an_override_is_read(text: str, found: Override) -> None:
    assert parse_override(text) == found


@pytest.mark.parametrize(
    "text",
    ["", "h", "h:443", "h:443:name", "h:0:1.2.3.4", "h:443:1.2.3.4:99999", "h:443:1.2.3", "h:443:::1", "a:1:1.2.3.4:"],
)
def test_an_override_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not HOST:PORT:ADDRESS") as caught:
        parse_override(text)
    assert caught.value.next_step


def test_the_first_override_that_covers_a_host_counts() -> None:
    resolver = Resolver([parse_override(text) for text in ("*.example.com:443:10.0.0.1", "*:443:10.0.0.2:8443")])
    assert resolver.target("a.example.com", 443) == ("10.0.0.1", 443)
    assert resolver.target("example.com", 443) == ("10.0.0.2", 8443)
    assert resolver.target("a.example.com", 80) == ("a.example.com", 80)


# Proxies and pages.

ROUTE = Route(check=Check("backend-api"), host="api.example.com", path="/v1/x", api_path="/api/backend/v1/x")
VAULT_ROUTE = Route(
    check=Check("vault api"), host="v.example.com", path="/api/x", api_path="/api/x", whose="v.example.com"
)
KEPT_BY_NOBODY = {"content-type": "application/json", "cache-control": "no-store"}
OF_THE_API = Answer(status=401, headers=KEPT_BY_NOBODY, body=b'{"code":16}')
PAGE = Answer(
    status=200, headers={"content-type": "text/html; charset=utf-8", "cache-control": "no-cache"}, body=b"<html>"
)
NOT_FOUND = Answer(status=404, headers={"content-type": "text/plain"}, body=b"\n")


def kept(headers: dict[str, str]) -> Answer:
    """An answer of the api with other headers."""
    return replace(OF_THE_API, headers={**OF_THE_API.headers, **headers})


@pytest.mark.parametrize(
    ("proxied", "direct", "status", "advice"),
    [
        (OF_THE_API, OF_THE_API, "ok", ""),
        (Problem("refused"), OF_THE_API, "FAIL", "see that the proxy runs"),
        (Answer(status=502), OF_THE_API, "FAIL", "see that the api runs where"),
        (Answer(status=502), Problem("refused"), "FAIL", "see that the api runs where"),
        (replace(OF_THE_API, status=503), replace(OF_THE_API, status=503), "ok", ""),
        (PAGE, OF_THE_API, "FAIL", "hand /v1/x on to the api"),
        (PAGE, Problem("refused"), "FAIL", "hand /v1/x on to the api"),
        (OF_THE_API, Problem("refused"), "skipped", ""),
        (NOT_FOUND, OF_THE_API, "FAIL", "let the proxy put /api/backend before every path, once"),
        (replace(OF_THE_API, body=b"{}"), OF_THE_API, "FAIL", "let the proxy put /api/backend"),
        (kept({"age": "1"}), OF_THE_API, "FAIL", "let the proxy keep nothing"),
        (kept({"cache-control": "max-age=60"}), OF_THE_API, "FAIL", "let the proxy keep nothing"),
        (kept({"cache-control": "max-age=60"}), kept({"cache-control": "max-age=60"}), "ok", ""),
        (kept({"cache-control": ""}), OF_THE_API, "warn", "let the proxy say"),
    ],
)
def test_a_proxy_has_to_hand_on_what_the_api_says(
    proxied: Answer | Problem, direct: Answer | Problem, status: str, advice: str
) -> None:
    found = judge_route(Asked(route=ROUTE, proxied=proxied, direct=direct))
    assert found.status == status
    assert found.advice.startswith(advice)
    assert bool(found.advice) == bool(advice)


def test_a_vault_has_to_be_named_to_the_api() -> None:
    found = judge_route(Asked(route=VAULT_ROUTE, proxied=NOT_FOUND, direct=OF_THE_API))
    assert found.advice == "let the proxy set X-Tesseral-Host to the name of the vault"
    found = judge_route(Asked(route=VAULT_ROUTE, proxied=OF_THE_API, direct=NOT_FOUND))
    assert found.advice == "let the proxy hand it on unchanged"


@pytest.mark.parametrize(
    ("said_of_it", "kept"),
    [
        ("no-store", False),
        ("", False),
        ("no-cache, max-age=60", False),
        ("max-age=0, must-revalidate", False),
        ("private, max-age=60", False),
        ("max-age=60", True),
        ("Public", True),
        ("s-maxage=1", True),
        ('max-age="60"', True),
    ],
)
def test_what_may_be_kept_is_told(said_of_it: str, kept: bool) -> None:
    assert is_kept(said_of_it) == kept


HEALTHY, UNHEALTHY = Answer(status=200, body=b"ok"), Answer(status=503, body=b"unhealthy: no\x1b[31m database\n")


def test_the_api_has_to_be_healthy() -> None:
    assert judge_api(SITE, HEALTHY, Problem("")).status == "ok"
    assert judge_api(SITE, Problem("refused"), HEALTHY).status == "warn"
    assert judge_api(SITE, Problem("refused"), Problem("")).status == "FAIL"
    assert judge_api(SITE, Problem("refused"), PAGE).status == "FAIL"
    assert judge_api(SITE, PAGE, HEALTHY).status == "FAIL"
    assert said(judge_api(SITE, UNHEALTHY, HEALTHY)) == (
        "FAIL",
        "127.0.0.1:3001/api/internal/health says 503 'unhealthy: no\\x1b[31m database'",
    )


@pytest.mark.parametrize(
    ("pages", "status"),
    [
        (Pages(root=PAGE, deep=PAGE), "ok"),
        (Pages(root=PAGE, deep=replace(PAGE, status=404)), "FAIL"),
        (Pages(root=PAGE, deep=replace(PAGE, body=b"other")), "FAIL"),
        (Pages(root=NOT_FOUND, deep=NOT_FOUND), "FAIL"),
        (Pages(root=OF_THE_API, deep=OF_THE_API), "FAIL"),
        (Pages(root=replace(PAGE, headers={"content-type": "text/html"}), deep=PAGE), "warn"),
        (Pages(root=replace(PAGE, headers={**PAGE.headers, "cache-control": "max-age=600"}), deep=PAGE), "warn"),
    ],
)
def test_every_address_has_to_be_the_page(pages: Pages, status: str) -> None:
    assert judge_pages(Check("console pages"), pages).status == status


def test_what_a_server_says_cannot_steer_the_terminal() -> None:
    text = render(
        [Check("a").fail("it says \x1b[2J\u202e\nok  b", "do \x07 that"), Check("b", "long subject").ok("fine")]
    )
    assert text.splitlines() == [
        "FAIL  a               it says \ufffd[2J\ufffd\ufffdok  b; do \ufffd that",
        "ok    b long subject  fine",
        "2 checks: 1 ok, 1 FAIL",
    ]
