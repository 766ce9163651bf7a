"""Reading machine types from Compute Engine: Google's own client library logs in to, and reads from, a small server.

The login is workload identity federation, as CI has it: the server gives an access token for the subject token in a
file, and lists machine types page by page to those who bring it. The universe domain keeps the library from asking
Google where the identity may work.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kpo_provision import cli, errors, progress
from kpo_provision.catalog import Cloud, MachineType, load_catalog
from kpo_provision.clouds import gce

_TOKEN = "ya29.test"
_SUBJECT = "subject-of-the-job"
_EXPIRED_SUBJECT = "subject-of-yesterday"


def _machine(name: str, cpus: int, memory_mib: int, **more: object) -> dict[str, object]:
    return {"name": name, "guestCpus": cpus, "memoryMb": memory_mib, "isSharedCpu": False, **more}


_ZONES = {
    "zones/europe-west1-b": [
        _machine("n2-standard-4", 4, 16384, architecture="X86_64"),
        _machine("c4a-standard-1", 1, 4096, architecture="ARM64"),
    ],
    "zones/europe-west1-c": [
        _machine("n2-standard-4", 4, 16384),
        _machine("e2-medium", 2, 4096, isSharedCpu=True),
    ],
}


class _Compute(BaseHTTPRequestHandler):
    """One zone a page, as the real API may answer too."""

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token = {_SUBJECT: _TOKEN, _EXPIRED_SUBJECT: "ya29.expired"}.get(form["subject_token"][0])
        if token is None:
            self._answer(400, {"error": "invalid_grant", "error_description": "the subject token is not believed"})
        else:
            kind = "urn:ietf:params:oauth:token-type:access_token"
            self._answer(
                200,
                {"access_token": token, "issued_token_type": kind, "token_type": "Bearer", "expires_in": 3600},
            )

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if self.headers["Authorization"] != f"Bearer {_TOKEN}":
            self._refuse(401, "Request had invalid authentication credentials.")
        elif url.path == "/compute/v1/projects/acme/aggregated/machineTypes":
            self._list_page(int(parse_qs(url.query).get("pageToken", ["0"])[0]))
        elif url.path == "/compute/v1/projects/acme/zones/europe-west1-c/machineTypes":
            self._answer(200, {"items": _ZONES["zones/europe-west1-c"]})
        elif url.path.startswith("/compute/v1/projects/forbidden/"):
            self._refuse(403, "Required 'compute.machineTypes.list' permission for 'projects/forbidden'")
        elif url.path.startswith("/compute/v1/projects/odd/"):
            self._answer(599, {"error": {"message": "a status that nobody has heard of"}})
        elif url.path.startswith("/compute/v1/projects/html/"):
            self._send(502, b"<html>")
        else:
            self._refuse(404, "The resource was not found")

    def _list_page(self, number: int) -> None:
        zone = list(_ZONES)[number]
        items: dict[str, Any] = {name: {"warning": {"code": "NO_RESULTS_ON_PAGE"}} for name in _ZONES}
        page: dict[str, Any] = {"items": items | {zone: {"machineTypes": _ZONES[zone]}}}
        self._answer(200, page if number else page | {"nextPageToken": "1"})

    def _refuse(self, status: int, message: str) -> None:
        self._answer(status, {"error": {"code": status, "message": message}})

    def _answer(self, status: int, document: object) -> None:
        self._send(status, json.dumps(document).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Compute) as compute:
        threading.Thread(target=compute.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{compute.server_port}"
        compute.shutdown()


@pytest.fixture(autouse=True)
def subject(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Log in; returns the file of the subject token."""
    subject = tmp_path / "subject"
    subject.write_text(_SUBJECT)
    login = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/ci",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{server}/token",
        "credential_source": {"file": str(subject)},
        "universe_domain": "acme.example",
    }
    (tmp_path / "login.json").write_text(json.dumps(login))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "login.json"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "acme")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(gce.ENDPOINT_VARIABLE, f"{server}/compute/v1/")
    return subject


def _read(*, project: str | None = None, zone: str | None = None) -> tuple[str, tuple[MachineType, ...]]:
    with progress.Silent().step("read") as step:
        return gce.read_machine_types(project=project, zone=zone, step=step)


def _fail(*, project: str | None = None, zone: str | None = None) -> errors.CloudError:
    with pytest.raises(errors.CloudError) as caught:
        _read(project=project, zone=zone)
    assert caught.value.exit_code == errors.ExitCode.CLOUD
    assert str(caught.value).startswith("Compute Engine: machineTypes.list failed: ")
    return caught.value


def test_every_zone_is_read_page_by_page_and_each_type_kept_once() -> None:
    project, machines = _read()
    assert project == "acme"
    assert [(machine.name, machine.vcpu, machine.memory_mib) for machine in machines] == [
        ("n2-standard-4", 4, 16384),
        ("c4a-standard-1", 1, 4096),
        ("e2-medium", 2, 4096),
    ]
    assert [machine.architecture for machine in machines] == ["amd64", "arm64", "amd64"]
    assert [machine.is_burstable for machine in machines] == [False, False, True]


def test_refresh_of_a_zone_is_what_the_catalog_then_offers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["catalog", "refresh", "--cloud", "gcp", "--zone", "europe-west1-c", "-o", "json"])
    assert ended.value.code == 0
    document = json.loads(capsys.readouterr().out)
    assert document["scope"] == "project acme, zone europe-west1-c"
    assert document["file"] == str(tmp_path / "cache" / "kpo-provision" / "catalog" / "gcp.json")
    loaded = load_catalog()
    assert [machine.name for machine in loaded.machines(Cloud.GCP)] == ["e2-medium", "n2-standard-4"]
    assert loaded.machines(Cloud.GCP)[0].price_micro_usd == 33_510


def test_refused_project_says_which_permission_is_missing() -> None:
    error = _fail(project="forbidden")
    assert "403 Required 'compute.machineTypes.list'" in str(error)
    assert "roles/compute.viewer" in error.hint


def test_unknown_zone_is_said_so() -> None:
    assert "project and zone" in _fail(zone="europe-west9-z").hint


def test_status_that_nobody_knows_is_an_error_too() -> None:
    assert "599 a status" in str(_fail(project="odd"))


def test_answer_that_is_no_json_is_said_so() -> None:
    assert gce.ENDPOINT_VARIABLE in _fail(project="html").hint


@pytest.mark.parametrize(
    ("token", "words"), [("forged", "not believed"), (_EXPIRED_SUBJECT, "401 Request had invalid")]
)
def test_login_that_is_not_believed_is_said_so(subject: Path, token: str, words: str) -> None:
    subject.write_text(token)
    error = _fail()
    assert words in str(error)
    assert "gcloud auth application-default login" in error.hint


def test_missing_login_says_how_to_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    assert "gcloud auth application-default login" in _fail().hint


def test_broken_login_file_is_an_error_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "login.json").write_text('{"private_key": "hush"')
    assert "hush" not in str(_fail())


def test_credentials_without_a_project_ask_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    user = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    (tmp_path / "login.json").write_text(json.dumps(user))
    assert "--project" in _fail().hint


def test_endpoint_that_nobody_serves_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gce.ENDPOINT_VARIABLE, "http://127.0.0.1:1/compute/v1")
    assert "HTTPS_PROXY" in _fail().hint
