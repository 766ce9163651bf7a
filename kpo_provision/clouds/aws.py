"""The way to AWS: clients of boto3, which finds credentials and proxies by itself, and errors in our own words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore import exceptions
from botocore.config import Config

from kpo_provision import errors

_CONFIG = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4})
_FORBIDDEN = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"})
_HINTS = {
    "AuthFailure": "the credentials are not valid in this region; `aws sts get-caller-identity` shows what they are",
    "ExpiredToken": "the credentials have expired; log in again",
    "ExpiredTokenException": "the credentials have expired; log in again",
    "RequestExpired": "the clock of this machine is wrong, or the credentials have expired",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of AWS: ``service`` and ``operation`` by AWS's names, and what to do if no answer comes."""

    service: str
    operation: str
    permission: str
    region_hint: str = "correct target.selfHosted.ec2.region"
    hint: str = ""

    def fail(self, problem: str, *, hint: str = "") -> errors.CloudError:
        """Return the error for what went wrong."""
        return errors.CloudError(
            service=self.service, operation=self.operation, problem=problem, hint=hint or self.hint
        )


@contextlib.contextmanager
def asking(question: Question, *, region: str | None) -> Iterator[Any]:
    """Yield a client of the service, and say in our words what went wrong.

    Raises:
        errors.CloudError: There are no credentials or no region, or AWS refuses or cannot be reached.
    """
    try:
        yield boto3.Session().client(question.service.lower().replace(" ", ""), region_name=region, config=_CONFIG)
    except exceptions.ClientError as e:
        answer = e.response.get("Error", {})
        code = str(answer.get("Code", "error"))
        forbidden = f"the identity needs the permission {question.permission}" if code in _FORBIDDEN else ""
        raise question.fail(f"{code}: {answer.get('Message', '')}", hint=forbidden or _HINTS.get(code, "")) from e
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.ProfileNotFound) as e:
        raise question.fail(str(e), hint="log in (`aws configure`, `aws sso login`) or set AWS_PROFILE") from e
    except (exceptions.NoRegionError, exceptions.InvalidRegionError) as e:
        raise question.fail(str(e), hint=question.region_hint) from e
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as e:
        raise question.fail(str(e), hint="check the region's name, the network and HTTPS_PROXY") from e
    except (exceptions.BotoCoreError, ValueError) as e:
        # boto3 has no type of its own for an endpoint that is no URL.
        raise question.fail(str(e)) from e
