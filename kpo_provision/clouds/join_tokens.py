"""The parameter in SSM Parameter Store from which instances get the token by which they join."""

from __future__ import annotations

import datetime
import json

from kpo_provision.clouds.aws import Question, asking

_READ = Question(service="SSM", operation="GetParameter", permission="ssm:GetParameter")
_WRITE = Question(service="SSM", operation="PutParameter", permission="ssm:PutParameter")
_DELETE = Question(service="SSM", operation="DeleteParameter", permission="ssm:DeleteParameter")


def read_expiry(name: str, *, region: str) -> datetime.datetime | None:
    """Return when the token there ends; None where there is none, or nothing that is one of ours."""
    with asking(_READ, region=region) as client:
        try:
            found = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
        except client.exceptions.ParameterNotFound:
            return None
    try:
        return datetime.datetime.fromisoformat(json.loads(found)["expires"])
    except (ValueError, KeyError, TypeError):
        return None


def write_token(name: str, token: str, *, expires: datetime.datetime, region: str, key: str | None) -> None:
    """Put a token there in place of an earlier one, encrypted with a KMS key, SSM's own when it is None.

    Raises:
        errors.CloudError: AWS refuses.
    """
    value = json.dumps({"token": token, "expires": expires.isoformat(timespec="seconds")})
    with asking(_WRITE, region=region) as client:
        given = {"KeyId": key} if key else {}
        client.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True, **given)


def delete_token(name: str, *, region: str) -> None:
    """Delete the parameter, if it is there."""
    with asking(_DELETE, region=region) as client:
        try:
            client.delete_parameter(Name=name)
        except client.exceptions.ParameterNotFound:
            return
