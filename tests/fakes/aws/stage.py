"""An AWS to ask: the process that plays it, and the environment that leads programs there."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3

from tests.fakes.aws.images import IMAGES
from tests.fakes.aws.server import REGION

_ROOT = Path(__file__).parents[3]


class Stage:
    """Where it is played."""

    def __init__(self, url):
        self.url = url

    @property
    def environ(self):
        """Return what leads to it, and to no other AWS."""
        return {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }

    def client(self, service):
        login = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, region_name=REGION, endpoint_url=self.url, **login)


@contextlib.contextmanager
def play_aws(host, port, *, enter=()):
    """Play it for as long as the block lasts; ``enter`` is a command that runs another one where it is to be played."""
    argv = [*enter, sys.executable, "-m", "tests.fakes.aws.server", host, str(port)]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as images:
        json.dump(IMAGES, images)
        images.flush()
        process = subprocess.Popen(
            argv,
            cwd=_ROOT,
            env={**os.environ, "MOTO_AMIS_PATH": images.name},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with process:
            try:
                assert process.stdout.readline() == b"serving\n", "the played AWS did not start"
                yield Stage(f"http://{host}:{port}")
            finally:
                process.kill()
