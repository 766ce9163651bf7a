"""Calls of AWS's APIs: boto3, which finds region, credentials and endpoints as the real provider does."""

import contextlib
import os
import threading

import boto3
from botocore import exceptions
from botocore.config import Config

from tests.terraform.provider.errors import ProviderError

_CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 5})
_GONE = {"InvalidLaunchTemplateName.NotFoundException", "InvalidLaunchTemplateId.NotFound", "NoSuchEntity"}


class GoneError(ProviderError):
    """AWS does not know it."""


class Aws:
    """One configured provider."""

    def __init__(self, config):
        self.stopping = threading.Event()
        self._session = boto3.Session(
            aws_access_key_id=config.get("access_key"),
            aws_secret_access_key=config.get("secret_key"),
            aws_session_token=config.get("token"),
            profile_name=config.get("profile"),
            region_name=config.get("region") or os.environ.get("AWS_REGION"),
        )
        self._clients = {}
        self._lock = threading.Lock()
        with translated("configuring Terraform AWS Provider"):
            self.region = self.client("ec2").meta.region_name

    def client(self, service):
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(service, config=_CONFIG)
            return self._clients[service]


@contextlib.contextmanager
def translated(doing):
    """Say what went wrong in the words of the real provider."""
    try:
        yield
    except exceptions.ClientError as e:
        error = e.response["Error"]
        kind = GoneError if error["Code"] in _GONE else ProviderError
        raise kind(f"{doing}: operation error {e.operation_name}, api error {error['Code']}: {error['Message']}") from e
    except exceptions.BotoCoreError as e:
        raise ProviderError(f"{doing}: {e}") from e


def write_tags(tags):
    """Write tags as AWS's JSON."""
    return [{"Key": key, "Value": value} for key, value in sorted((tags or {}).items())]
