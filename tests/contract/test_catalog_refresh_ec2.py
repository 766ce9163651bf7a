"""Reading machine types from EC2: boto3 as it is, against moto's EC2 and against a server that only refuses."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from moto import mock_aws

from kpo_provision import cli, errors, progress
from kpo_provision.catalog import Cloud, EniLimits, MachineType, load_catalog, shipped
from kpo_provision.clouds import ec2

_REFUSAL = """<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>{code}</Code><Message>{code} it is</Message></Error></Errors></Response>"""


class _Refusing(BaseHTTPRequestHandler):
    """Answers every request with the error that the path of the endpoint names."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = _REFUSAL.format(code=self.path.strip("/")).encode()
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def _own_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep this machine's AWS configuration and cache out of the tests."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _read(region: str | None = "eu-west-1") -> tuple[str, tuple[MachineType, ...]]:
    with progress.Silent().step("read") as step:
        return ec2.read_machine_types(region=region, step=step)


def _fail(region: str | None = "eu-west-1") -> errors.CloudError:
    with pytest.raises(errors.CloudError) as caught:
        _read(region)
    assert caught.value.exit_code == errors.ExitCode.CLOUD
    assert str(caught.value).startswith("EC2: DescribeInstanceTypes failed: ")
    return caught.value


@mock_aws
def test_refresh_keeps_what_ec2_lists_and_the_catalog_prefers_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["catalog", "refresh", "--cloud", "aws", "--region", "eu-west-1"])
    assert ended.value.code == 0
    kept = tmp_path / "cache" / "kpo-provision" / "catalog" / "aws.json"
    assert str(kept) in capsys.readouterr().out
    loaded = load_catalog()
    assert loaded.warnings == ()
    assert any("region eu-west-1, read from the cloud's API on 20" in str(source) for source in loaded.sources)
    large = loaded.find("m5.large", Cloud.AWS)
    assert (large.vcpu, large.memory_mib, large.price_micro_usd) == (2, 8192, 96_000)
    assert large.eni == EniLimits(interfaces=3, addresses=10)
    # The shipped table was made of moto's recording, so this also proves that page after page was read.
    assert {machine.name for machine in loaded.machines(Cloud.AWS)} == {
        machine.name for machine in shipped.read_machines(Cloud.AWS)
    }


@pytest.mark.parametrize(
    ("code", "words"),
    [("UnauthorizedOperation", "ec2:DescribeInstanceTypes"), ("AuthFailure", "aws sts"), ("Blocked", "shipped list")],
)
def test_refusal_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, refusing: str, code: str, words: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", f"{refusing}/{code}")
    error = _fail()
    assert code in str(error)
    assert words in error.hint


def test_missing_credentials_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "aws configure" in _fail().hint


def test_unknown_profile_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "nobody" in str(_fail())


def test_missing_region_is_named() -> None:
    assert "--region" in _fail(None).hint


def test_region_that_is_no_name_is_refused() -> None:
    assert "--region" in _fail("eu west 1").hint


def test_endpoint_that_nobody_serves_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:1")
    monkeypatch.setattr("time.sleep", lambda _: None)
    assert "HTTPS_PROXY" in _fail().hint


def test_endpoint_that_is_no_url_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", "not a url")
    assert "not a url" in str(_fail())


def test_option_of_the_other_cloud_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["catalog", "refresh", "--cloud", "aws", "--project", "p"])
    assert ended.value.code == errors.ExitCode.SPEC
    assert "--project does not go with --cloud aws" in capsys.readouterr().err
