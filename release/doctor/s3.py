"""The bucket in S3 for what users upload."""

from __future__ import annotations

from collections.abc import Mapping

from botocore.exceptions import ClientError

from .attempt import Problem
from .aws import Aws, said, words
from .finding import Check, Finding

BUCKET = Check("s3 bucket")
NAME = "API_S3_USER_CONTENT_BUCKET_NAME"

_FORBIDDEN, _MISSING, _ELSEWHERE = 403, 404, 301


def ask_bucket(aws: Aws, bucket: str) -> tuple[int, str]:
    """Return the status of HTTP for the bucket, and what S3 says of it. Nothing is written. Raises Trouble."""
    with said():
        try:
            answer = aws.client("s3").head_bucket(Bucket=bucket)
        except ClientError as error:
            return int(error.response["ResponseMetadata"]["HTTPStatusCode"]), words(error)
    return 200, str(answer.get("BucketRegion", ""))


def judge_bucket(values: Mapping[str, str], answer: tuple[int, str] | Problem) -> Finding:
    """Judge whether the bucket is there for the api."""
    bucket = values[NAME]
    if isinstance(answer, Problem):
        return BUCKET.fail(answer.text, "see that S3 can be reached from here, and the AWS_ variables")
    status, said_of_it = answer
    if status == 200:
        return BUCKET.ok(f"{bucket} is there; whether it can be written was not tried")
    if status == _MISSING:
        return BUCKET.fail(f"there is no bucket {bucket}", f"create it, or correct {NAME}")
    if status == _ELSEWHERE:
        return BUCKET.fail(f"{bucket} is in another region", "set AWS_REGION to that of the bucket")
    if status == _FORBIDDEN:
        return BUCKET.warn(
            f"{bucket}: the api's role may not look at it, or it is somebody else's",
            "see that the role has s3:GetObject and s3:PutObject; with s3:ListBucket doctor can tell",
        )
    return BUCKET.fail(f"{bucket}: {said_of_it}", f"correct {NAME}")
