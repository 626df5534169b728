"""Variables that the api loads from AWS Secrets Manager when it starts (``API_LOAD_AWS_SECRET_ID``)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .attempt import Problem, Trouble
from .aws import Aws, said
from .finding import Check, Finding

SECRET = Check("aws secret")
NAME = "API_LOAD_AWS_SECRET_ID"


def ask_secret(values: Mapping[str, str], seconds: float) -> dict[str, str]:
    """Return the variables in the secret. Raises Trouble, which quotes nothing of it."""
    aws = Aws(values, seconds, "secretsmanager")
    with said():
        text = aws.client("secretsmanager").get_secret_value(SecretId=values[NAME]).get("SecretString")
    try:
        found = json.loads(text or "")
        sound = isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
    except ValueError:
        sound = False
    if not sound:
        raise Trouble('the secret is not JSON of the form {"NAME": "value"}, and the api does not start')
    return dict(found)


def judge_secret(values: Mapping[str, str], secret: Mapping[str, str] | Problem) -> Finding:
    """Judge whether the api gets its secret."""
    if isinstance(secret, Problem):
        return SECRET.fail(f"{values[NAME]}: {secret.text}", f"see {NAME}, and let the api's role read it")
    return SECRET.ok(f"{values[NAME]}: {len(secret)} variables, which come before those of the file")
