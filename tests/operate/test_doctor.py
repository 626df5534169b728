"""A whole installation, healthy, and then with one thing broken that stands behind the api."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import doctor_database
import psycopg
import pytest
from doctor_release import BUNDLES, make_release
from doctor_servers import BUCKET, CONSOLE, VAULT, Healthy, new_database
from doctor_site import PROJECT, Installation
from postgres_server import PostgresServer
from release_samples import manifest
from support import REPOSITORY

from release import pin as pin_file
from release.checksums import digest_of_bytes
from release.destination import DirectoryDestination, Pin
from release.doctor.attempt import Trouble
from release.doctor.settings import read_environment
from release.doctor.variables import is_public
from release.manifest import Requirements, to_json
from release.staged import stage
from release.verify import read_manifest

# Whether a server still speaks an old TLS is asked with what Python gives up.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
DNS = {
    f"dns {name}": "skipped"
    for name in ("api.example.com", "config.example.com", CONSOLE, VAULT, "*.vaults.example.com")
}


@pytest.fixture
def site(healthy: Healthy, tmp_path: Path) -> Installation:
    return healthy.site.copy(tmp_path / "site")


@contextmanager
def statement(dsn: str, do: str, undo: str) -> Iterator[None]:
    """Change the database for as long as the block."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(do.encode())
        try:
            yield
        finally:
            connection.execute(undo.encode())


def test_a_healthy_installation_is_healthy(site: Installation) -> None:
    report = site.doctor()
    assert report.unwell == DNS  # --resolve stands in for it
    assert report.status == 0
    assert len(report.checks) == 54
    assert report.of("project") == ("ok", f"{PROJECT}, with the vault {VAULT}")
    assert site.run().stdout.splitlines()[-1] == "54 checks: 49 ok, 5 skipped"


def test_before_the_api_starts_less_is_looked_at(site: Installation) -> None:
    report = site.doctor("--before")
    assert report.status == 0
    assert report.unwell == DNS
    kinds = {one["check"] for one in report.checks.values()}
    assert {"environment", "database", "kms key", "ses identity", "certificate"} <= kinds
    assert not {"api", "backend-api", "redirect", "vault pages", "console bundle"} & kinds


def test_the_order_is_always_the_same(site: Installation) -> None:
    orders = {tuple(site.doctor("--before").checks) for _ in range(3)}
    assert len(orders) == 1


# What must never be seen.


def secrets_of(site: Installation) -> list[str]:
    values = [value for name, value in site.variables.items() if value and not is_public(name)]
    return [*values, "p%40ss-word", "p@ss-word", "hidden-password"]


MODES: tuple[list[str], ...] = ([], ["--json"], ["--verbose"], ["--verbose", "--json", "--before"])


def broken_variables(good: str) -> Iterator[dict[str, str]]:
    """Variables that make libraries and servers complain about secrets, or with them."""
    user = good.partition("//")[2].partition(":")[0]
    for dsn in (
        good.replace(f"//{user}", "//nobody"),
        good.replace("postgres://", "mysql://"),
        good.replace("@127", "@x@127"),
        good.replace("127.0.0.1:", "127.0.0.1:x"),
        f"host=127.0.0.1 password=p%40ss-word-of-the-database {good}",
    ):
        yield {"API_DB_DSN": dsn}
    yield {"AWS_ENDPOINT_URL": "http://somebody:hidden-password@127.0.0.1:9"}
    yield {"AWS_ENDPOINT_URL": "a-url-that-is-none"}
    yield {"API_LOAD_AWS_SECRET_ID": "no-such-secret"}
    yield {"AWS_SECRET_ACCESS_KEY": ""}
    yield {"API_SVIX_API_KEY": "127.0.0.1"}  # which is elsewhere in the output too


def test_no_secret_is_printed_whatever_is_wrong(site: Installation) -> None:
    good = dict(site.variables)
    assert len(secrets_of(site)) >= 8
    for number, change in enumerate([*[{}] * len(MODES), *broken_variables(good["API_DB_DSN"])]):
        site.variables = {**good, **change}
        site.write()
        done = site.run(*MODES[number % len(MODES)])
        assert "Traceback" not in done.stdout
        assert len(done.stdout) > 1000
        for secret in secrets_of(site):
            assert secret not in done.stdout + done.stderr, change


def test_lines_that_are_no_assignment_are_not_printed(site: Installation) -> None:
    site.write()
    with site.environment.open("a") as file:
        file.write("API_STRIPE_API_KEY\nrest-of-a-secret-key\nexport ANOTHER=another-secret-value\n")
    done = site.run()
    assert "line 22 is no NAME=value; line 23 is no NAME=value; line 24 starts with export" in done.stdout
    assert "secret" not in done.stdout.replace("aws secret", "").replace("holds secrets", "") + done.stderr
    assert done.returncode == 17


# The environment file.


def test_an_environment_file_that_is_not_there(site: Installation) -> None:
    site.write()
    site.environment.unlink()
    done = site.run()
    assert done.returncode == 17
    assert f"{site.environment} cannot be read: No such file or directory" in done.stdout
    assert done.stdout.splitlines()[-1] == "43 checks: 27 ok, 1 FAIL, 15 skipped"
    assert done.stderr == (
        f"tesseral-release: {site.config}: 1 of 43 checks failed: environment; do what their lines say\n"
    )


def test_an_environment_file_that_this_user_may_not_read(site: Installation) -> None:
    site.write()
    os.seteuid(65534)  # root may read anything
    try:
        with pytest.raises(Trouble, match="cannot be read: Permission denied"):
            read_environment(site.environment)
    finally:
        os.seteuid(0)


def test_an_environment_file_that_everybody_can_read(site: Installation) -> None:
    site.write()
    site.environment.chmod(0o644)
    done = site.run("--json")
    (found,) = [one for one in json.loads(done.stdout)["checks"] if one["check"] == "environment"]
    assert (found["status"], found["advice"]) == ("fail", f"chmod o= {site.environment}")


def test_without_an_environment_file_the_rest_is_looked_at(site: Installation) -> None:
    del site.settings["api"]["environment"]
    report = site.doctor()
    assert report.status == 0
    assert report.of("environment") == ("skipped", "[api] environment names no file of the api's variables")
    assert report.of("database")[0] == report.of("aws credentials")[0] == report.of("names")[0] == "skipped"
    assert report.of("console bundle console.example.com")[0] == report.of("api")[0] == "ok"


@pytest.mark.parametrize(
    ("name", "value", "unwell"),
    [
        ("API_CONSOLE_DOMAIN", "other.example.com", {"domains": "fail"}),
        ("API_DB_DNS", "x", {"names": "warn"}),
        ("API_SVIX_API_KEY", "", {"variables": "warn"}),
        ("API_PAGE_ENCODING_VALUE", "0f", {"variables": "fail"}),
        ("API_SERVE_ADDR", ":1", {"listening": "warn"}),
        (
            "API_DOGFOOD_PROJECT_ID",
            "project_" + "2" * 25,
            {"project": "fail", "session key": "skipped", "console settings": "fail"},
        ),
        ("API_S3_USER_CONTENT_BUCKET_NAME", "no-such-bucket", {"s3 bucket": "fail"}),
        (
            "API_GITHUB_OAUTH_CLIENT_SECRETS_KMS_KEY_ID",
            "no-such-key",
            {"kms key API_GITHUB_OAUTH_CLIENT_SECRETS_KMS_KEY_ID": "fail"},
        ),
        ("API_AUTH_APPS_ROOT_DOMAIN", "apps.example", {"domains": "warn", "ses identity mail.apps.example": "fail"}),
    ],
)
def test_a_wrong_variable_is_told(site: Installation, name: str, value: str, unwell: dict[str, str]) -> None:
    site.variables[name] = value
    report = site.doctor()
    assert report.unwell == DNS | unwell
    assert report.status == (17 if "fail" in unwell.values() else 0)


# The database.


@pytest.mark.parametrize(
    ("do", "undo", "unwell"),
    [
        ("update schema_migrations set version = 4", "update schema_migrations set version = 5", {"schema": "fail"}),
        ("update schema_migrations set version = 6", "update schema_migrations set version = 5", {"schema": "fail"}),
        ("update schema_migrations set dirty = true", "update schema_migrations set dirty = false", {"schema": "fail"}),
        (
            "alter table schema_migrations rename to gone",
            "alter table gone rename to schema_migrations",
            {"schema": "fail"},
        ),
        (
            "alter table projects rename to gone",
            "alter table gone rename to projects",
            {"project": "fail", "session key": "skipped"},
        ),
        (
            "update vault_domains set domain = 'vault.other.example'",
            f"update vault_domains set domain = '{VAULT}'",  # noqa: S608
            {"project": "fail"},
        ),
        (
            "update session_signing_keys set kms_key_id = kms_key_id || 'x'",
            "update session_signing_keys set kms_key_id = left(kms_key_id, -1)",
            {"session key": "fail"},
        ),
    ],
)
def test_what_is_wrong_in_the_database_is_told(
    healthy: Healthy, site: Installation, do: str, undo: str, unwell: dict[str, str]
) -> None:
    with statement(healthy.dsn, do, undo):
        report = site.doctor("--before")
    assert report.unwell == DNS | unwell
    assert report.status == 17


def test_a_database_that_may_not_be_read_is_told(site: Installation, postgres: PostgresServer) -> None:
    name = site.variables["API_DB_DSN"].rpartition("/")[2].partition("?")[0]
    with statement(
        postgres.url(name),
        f"revoke all on projects from {name}",
        f"grant all on projects to {name}",
    ):
        report = site.doctor("--before")
    assert report.of("database") == ("fail", "permission denied for table projects")
    assert report.of("schema") == ("skipped", "the database does not answer")


def test_a_postgresql_that_is_too_old_is_told(site: Installation, tmp_path: Path) -> None:
    needs = Requirements(postgresql=">=18.1", first_migration=1, last_migration=5)
    site.release = tmp_path / "release"
    site.release.mkdir()
    stage(site.release, manifest("1.4.0", requirements=needs))
    status, found = site.doctor("--before").of("database")
    assert (status, found.split(",")[1]) == ("fail", " where >=18.1 is needed")


def test_a_database_that_does_not_answer_ends_with_its_time(site: Installation) -> None:
    # One that takes connections and says nothing.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        site.variables["API_DB_DSN"] = f"postgres://u:{'p' * 20}@127.0.0.1:{port}/d"
        report = site.doctor("--before", "--timeout", "4")
    assert report.of("database") == ("fail", "no answer within 4 s")
    assert {name for name, status in report.unwell.items() if status == "fail"} == {"database"}


def test_a_login_that_is_refused_is_told(site: Installation) -> None:
    site.variables["API_DB_DSN"] = site.variables["API_DB_DSN"].replace("p%40ss", "other")
    report = site.doctor("--before")
    assert "password authentication failed" in report.of("database")[1]


def test_tesserals_own_tables_are_known(healthy: Healthy, site: Installation, postgres: PostgresServer) -> None:
    dsn = new_database(postgres)
    kms, key = healthy.aws.client("kms"), site.variables["API_SESSION_KMS_KEY_ID"]
    secret = kms.encrypt(KeyId=key, Plaintext=b"x" * 121, EncryptionAlgorithm="RSAES_OAEP_SHA_256")["CiphertextBlob"]
    doctor_database.tesseral(dsn, PROJECT, VAULT, secret, 5)
    site.variables["API_DB_DSN"] = dsn
    report = site.doctor("--before")
    # Its bootstrap names another domain for mail.
    assert f"ses identity post.{VAULT}" in report.checks
    assert report.unwell == DNS
    assert report.of("session key") == ("ok", "it decrypts what bootstrap encrypted")
    site.variables["API_SESSION_KMS_KEY_ID"] = healthy.aws.encryption_key()
    assert site.doctor("--before").unwell == DNS | {"session key": "fail"}


# AWS.


def test_a_disabled_key_is_told(healthy: Healthy, site: Installation) -> None:
    key = healthy.aws.encryption_key()
    site.variables["API_OIDC_CLIENT_SECRETS_KMS_KEY_ID"] = key
    healthy.aws.client("kms").disable_key(KeyId=key)
    report = site.doctor("--before")
    assert report.unwell == DNS | {"kms key API_OIDC_CLIENT_SECRETS_KMS_KEY_ID": "fail"}
    assert report.of("kms key API_OIDC_CLIENT_SECRETS_KMS_KEY_ID")[1] == "it is Disabled"


def test_a_key_to_sign_with_does_not_do(healthy: Healthy, site: Installation) -> None:
    made = healthy.aws.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    site.variables["API_OIDC_CLIENT_SECRETS_KMS_KEY_ID"] = made["KeyMetadata"]["Arn"]
    report = site.doctor("--before")
    assert report.of("kms key API_OIDC_CLIENT_SECRETS_KMS_KEY_ID") == ("fail", "it is for SIGN_VERIFY")


def test_a_domain_that_is_not_verified_is_told(healthy: Healthy, site: Installation) -> None:
    ses = healthy.aws.client("sesv2")
    ses.delete_email_identity(EmailIdentity=CONSOLE)
    try:
        report = site.doctor("--before")
    finally:
        healthy.aws.verify(CONSOLE)
    assert report.unwell == DNS | {f"ses identity mail.{VAULT}": "fail"}


def test_the_sandbox_is_told(healthy: Healthy, site: Installation) -> None:
    details = {"MailType": "TRANSACTIONAL", "WebsiteURL": "https://example.com"}
    ses = healthy.aws.client("sesv2")
    ses.put_account_details(**details, ProductionAccessEnabled=False)
    try:
        report = site.doctor("--before")
    finally:
        ses.put_account_details(**details, ProductionAccessEnabled=True)
    assert report.unwell == DNS | {"ses account": "warn"}
    assert report.status == 0


def test_each_service_can_be_elsewhere(healthy: Healthy, site: Installation) -> None:
    endpoint = site.variables.pop("AWS_ENDPOINT_URL")
    elsewhere = {f"API_{name}_ENDPOINT_RESOLVER_URL": endpoint for name in ("KMS", "S3", "SES")}
    site.variables |= elsewhere
    assert site.doctor("--before").unwell == DNS | {"aws credentials": "skipped"}
    # Each by itself, while the others are where nobody answers.
    for name, mine in (("KMS", "kms key"), ("S3", "s3 bucket"), ("SES", "ses account")):
        site.variables |= {**elsewhere, f"API_{name}_ENDPOINT_RESOLVER_URL": "http://127.0.0.1:9"}
        report = site.doctor("--before")
        failed = {report.checks[check]["check"] for check, status in report.unwell.items() if status == "fail"}
        assert failed == {mine, *(["ses identity"] if name == "SES" else [])}


def test_aws_that_cannot_be_asked_is_told_once(site: Installation) -> None:
    del site.variables["AWS_REGION"]
    report = site.doctor("--before")
    assert report.of("aws credentials")[0] == "fail"
    assert not any(one["check"] in ("kms key", "s3 bucket") for one in report.checks.values())


def test_variables_come_from_a_secret_too(healthy: Healthy, site: Installation) -> None:
    moved = ("API_DB_DSN", "API_SVIX_API_KEY", "API_SESSION_KMS_KEY_ID")
    variables = {name: site.variables.pop(name) for name in moved}
    # What the secret says comes first.
    site.variables["API_S3_USER_CONTENT_BUCKET_NAME"] = "no-such-bucket"
    variables["API_S3_USER_CONTENT_BUCKET_NAME"] = BUCKET
    site.variables["API_LOAD_AWS_SECRET_ID"] = healthy.aws.secret("api", variables)
    report = site.doctor("--before")
    assert report.unwell == DNS
    assert report.of("aws secret") == ("ok", "api: 4 variables, which come before those of the file")
    assert variables["API_SVIX_API_KEY"] not in report.output
    site.variables["API_LOAD_AWS_SECRET_ID"] = "no-such-secret"
    report = site.doctor("--before")
    assert report.of("aws secret")[0] == report.of("variables")[0] == "fail"
    healthy.aws.client("secretsmanager").create_secret(Name="odd", SecretString='{"A": 1, "B": "a-secret-value"')
    site.variables["API_LOAD_AWS_SECRET_ID"] = "odd"
    report = site.doctor("--before")
    assert "is not JSON" in report.of("aws secret")[1]
    assert "a-secret-value" not in report.output


# The release.


def test_the_release_has_to_be_the_pinned_one(site: Installation, tmp_path: Path) -> None:
    assert site.release is not None
    data = (site.release / "release.json").read_bytes()
    site.folder.mkdir()
    pin = Pin(version=manifest().version, manifest_digest=digest_of_bytes(data).sha256)
    pin_file.write(site.folder / "pin.json", pin)
    site.settings["release"] = {"pin": "pin.json"}
    assert site.doctor("--before").of("release") == ("ok", "1.4.0, as pin.json pins it")
    site.release = make_release(tmp_path / "other", bundles={"console": BUNDLES["console"]})
    report = site.doctor("--before")
    assert report.of("release")[0] == "fail"
    # It is not compared with another one, nor is the rest left out.
    assert report.of("schema")[0] == "skipped"
    assert report.of("database")[0] == "ok"


def test_an_archive_that_was_altered_is_not_compared_with(site: Installation, tmp_path: Path) -> None:
    site.release = make_release(tmp_path / "release")
    (archive,) = site.release.glob("*console*")
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    report = site.doctor()
    assert report.of("release") == ("fail", f"{archive} is not what release.json says")
    assert report.of("console bundle console.example.com")[0] == "skipped"


def test_the_release_can_be_fetched(site: Installation, tmp_path: Path) -> None:
    assert site.release is not None
    place = tmp_path / "releases"
    published = make_release(place / "releases" / "1.4.0")
    data = to_json(read_manifest(published))
    assert DirectoryDestination(place).manifest_of(manifest().version) == data
    site.folder.mkdir()
    pin_file.write(
        site.folder / "pin.json", Pin(version=manifest().version, manifest_digest=digest_of_bytes(data).sha256)
    )
    site.settings["release"] = {"pin": "pin.json"}
    site.release = None
    report = site.doctor("--from", str(place))
    assert report.unwell == DNS
    assert report.of("console bundle console.example.com")[0] == "ok"
    assert site.doctor("--before", "--from", str(tmp_path / "nothing")).of("release")[0] == "fail"
    del site.settings["release"]
    site.write()
    done = site.run("--from", str(place))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "tesseral-release: --from needs to know which release runs; name its pin in [release] pin, or use --release\n"
    )


# The command.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--resolve", "x"], "--resolve 'x' is not HOST:PORT:ADDRESS"),
        (["--timeout", "0"], "'0' is not a number of seconds up to 600"),
        (["--timeout", "nan"], "'nan' is not a number of seconds up to 600"),
        (["--release", "a", "--from", "b"], "not allowed with argument"),
    ],
)
def test_what_is_asked_wrongly_is_told(site: Installation, arguments: list[str], said: str) -> None:
    site.write()
    site.release = None
    done = site.run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_it_runs_where_neither_dagger_nor_the_pipeline_is(site: Installation) -> None:
    code = "import sys, release.doctor; sys.exit(bool({'pipeline', 'dagger'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0
