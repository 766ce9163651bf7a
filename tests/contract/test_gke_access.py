"""Service accounts and IAM policies of the simulated Google, held to what Google documents of its APIs."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.fakes.gke import Simulator, World
from tests.fakes.gke.policies import OWNER

_ACCOUNTS = "projects/acme/serviceAccounts"
_NODES = f"{_ACCOUNTS}/kpo-nodes@acme.iam.gserviceaccount.com"
_MEMBER = "serviceAccount:kpo-nodes@acme.iam.gserviceaccount.com"
_WRITER = {"role": "roles/logging.logWriter", "members": [_MEMBER]}
_REPOSITORY = "projects/acme/locations/europe-west1/repositories/tasks"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(World(projects=["acme"])) as simulator:
        yield simulator


def call(simulator: Simulator, method: str, path: str, body: object = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer token"}
    with urlopen(Request(f"{simulator.url}/v1/{path}", data=data, headers=headers, method=method)) as answer:
        return json.load(answer)


def refuse(simulator: Simulator, method: str, path: str, body: object = None) -> tuple[int, str, str]:
    """Make a call that is refused; returns code, status and message."""
    with pytest.raises(HTTPError) as caught:
        call(simulator, method, path, body)
    with caught.value as answer:
        error = json.load(answer)["error"]
    return error["code"], error["status"], error["message"]


def make_account(simulator: Simulator) -> dict:
    request = {"accountId": "kpo-nodes", "serviceAccount": {"displayName": "Nodes"}}
    return call(simulator, "POST", _ACCOUNTS, request)


def write_policy(simulator: Simulator, resource: str, *bindings: object, etag: str | None = None) -> dict:
    policy = {"bindings": list(bindings), **({"etag": etag} if etag else {})}
    return call(simulator, "POST", f"{resource}:setIamPolicy", {"policy": policy})


def read_project_policy(simulator: Simulator) -> dict:
    return call(simulator, "POST", "projects/acme:getIamPolicy", {"options": {"requestedPolicyVersion": 3}})


def test_account_lives_through_create_change_and_delete(simulator: Simulator) -> None:
    made = make_account(simulator)
    assert (made["name"], made["displayName"], len(made["uniqueId"])) == (_NODES, "Nodes", 21)
    assert call(simulator, "GET", _ACCOUNTS) == {"accounts": [made]}
    change = {"serviceAccount": {"description": "Pulls", "displayName": "ignored"}, "updateMask": "description"}
    assert call(simulator, "PATCH", _NODES, change) == made | {"description": "Pulls"}
    assert call(simulator, "DELETE", _NODES) == {}
    assert refuse(simulator, "GET", _NODES) == (404, "NOT_FOUND", "Unknown service account")
    assert call(simulator, "GET", _ACCOUNTS) == {}


@pytest.mark.parametrize(
    ("account", "code", "message"),
    [
        ("kpo-nodes", HTTPStatus.CONFLICT, "kpo-nodes already exists within project projects/acme"),
        ("kpo", HTTPStatus.BAD_REQUEST, "length between 6 and 30"),
    ],
)
def test_account_that_iam_would_refuse_is_refused(simulator: Simulator, account: str, code: int, message: str) -> None:
    make_account(simulator)
    refused = refuse(simulator, "POST", _ACCOUNTS, {"accountId": account})
    assert refused[0] == code
    assert message in refused[2]


def test_policy_is_what_was_written_last_and_a_late_writer_is_told(simulator: Simulator) -> None:
    make_account(simulator)
    first = read_project_policy(simulator)
    assert first["bindings"] == [OWNER]
    written = write_policy(simulator, "projects/acme", OWNER, _WRITER, etag=first["etag"])
    assert read_project_policy(simulator) == written
    body = {"policy": {"bindings": [OWNER], "etag": first["etag"]}}
    assert refuse(simulator, "POST", "projects/acme:setIamPolicy", body)[:2] == (409, "ABORTED")
    assert read_project_policy(simulator)["bindings"] == [OWNER, _WRITER]


def test_policy_of_a_repository_is_its_own_and_begins_empty(simulator: Simulator) -> None:
    make_account(simulator)
    assert "bindings" not in call(simulator, "GET", f"{_REPOSITORY}:getIamPolicy")
    reader = {"role": "roles/artifactregistry.reader", "members": [_MEMBER]}
    write_policy(simulator, _REPOSITORY, reader)
    assert call(simulator, "GET", f"{_REPOSITORY}:getIamPolicy")["bindings"] == [reader]
    assert read_project_policy(simulator)["bindings"] == [OWNER]


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        (_WRITER, "Service account kpo-nodes@acme.iam.gserviceaccount.com does not exist."),
        ({"role": "logWriter", "members": ["user:ada@acme.example"]}, "Role logWriter is not supported"),
        ({"role": "roles/viewer", "members": ["ada@acme.example"]}, "ada@acme.example is of an unknown type"),
        ({"roles": "roles/viewer", "members": ["user:ada@acme.example"]}, 'Unknown name "roles"'),
    ],
)
def test_binding_that_google_would_refuse_is_refused(simulator: Simulator, binding: object, message: str) -> None:
    body = {"policy": {"bindings": [OWNER, binding]}}
    code, status, said = refuse(simulator, "POST", "projects/acme:setIamPolicy", body)
    assert (code, status) == (400, "INVALID_ARGUMENT")
    assert message in said


def test_account_made_again_has_none_of_the_roles_of_the_one_that_was_deleted(simulator: Simulator) -> None:
    made = make_account(simulator)
    write_policy(simulator, "projects/acme", OWNER, _WRITER)
    call(simulator, "DELETE", _NODES)
    assert make_account(simulator)["uniqueId"] != made["uniqueId"]
    writer = _WRITER | {"members": [f"deleted:{_MEMBER}?uid={made['uniqueId']}"]}
    assert read_project_policy(simulator)["bindings"] == [OWNER, writer]


def test_project_that_is_not_there_is_refused(simulator: Simulator) -> None:
    assert refuse(simulator, "POST", "projects/acne:getIamPolicy", {})[:2] == (403, "PERMISSION_DENIED")
    assert refuse(simulator, "GET", "projects/acne/serviceAccounts")[:2] == (403, "PERMISSION_DENIED")


def test_restart_keeps_accounts_and_policies(tmp_path: Path) -> None:
    with Simulator(World(file=tmp_path / "state.json")) as simulator:
        made = make_account(simulator)
        written = write_policy(simulator, "projects/acme", OWNER, _WRITER)
    with Simulator(World(file=tmp_path / "state.json")) as simulator:
        assert call(simulator, "GET", _NODES) == made
        assert read_project_policy(simulator) == written
