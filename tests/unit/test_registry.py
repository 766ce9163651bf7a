"""Logins are read from where the spec says, and a login that cannot be read is named without showing any of it."""

import base64
import json
import stat
from pathlib import Path

import pytest

from kpo_provision import errors, registry
from kpo_provision.spec import parse_spec

SPEC = """\
apiVersion: kpo-provision.io/v1
kind: Installation
metadata: {{name: acme}}
namespacePrefix: astronomer
target: {{kubeconfig: {{}}}}
registries:
  acme: {{server: registry.acme.io, credentials: {credentials}}}
tenants:
  frigid-vacuum-0996: {{extraCapacity: 0}}
"""
AUTH = base64.b64encode(b"robot:pa:ss").decode()


def _load(credentials: str, base: Path, environ: dict[str, str] | None = None) -> dict[str, bytes]:
    spec = parse_spec(SPEC.format(credentials=credentials), file="spec.yaml")
    return registry.load_logins(spec, base=base, environ=environ or {})


def _problem(credentials: str, base: Path, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(errors.SpecError) as caught:
        _load(credentials, base, environ)
    (issue,) = caught.value.issues
    assert issue.path == "registries.acme.credentials"
    return issue.problem


@pytest.mark.parametrize("key", ["registry.acme.io", "https://registry.acme.io", "https://registry.acme.io/v2/"])
def test_docker_config_gives_the_login_of_that_server_alone(tmp_path: Path, key: str) -> None:
    config = {"auths": {key: {"auth": AUTH}, "other.io": {"auth": "c2VjcmV0OnNlY3JldA=="}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    logins = _load("{dockerConfig: config.json}", tmp_path)
    assert json.loads(logins["acme"]) == {"auths": {"registry.acme.io": {"auth": AUTH}}}


@pytest.mark.parametrize("source", ["{env: ACME_PASSWORD}", "{file: password.txt}"])
def test_username_and_password_are_read_at_run_time(tmp_path: Path, source: str) -> None:
    (tmp_path / "password.txt").write_text("pa:ss\n")
    logins = _load(
        f"{{usernamePassword: {{username: robot, passwordFrom: {source}}}}}", tmp_path, {"ACME_PASSWORD": "pa:ss"}
    )
    assert json.loads(logins["acme"]) == {"auths": {"registry.acme.io": {"auth": AUTH}}}


def test_credential_helper_is_asked_over_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-vault"
    helper.write_text(
        '#!/bin/sh\nread server\nprintf \'{"Username":"robot","Secret":"pa:ss","ServerURL":"%s"}\' "$server"\n'
    )
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "config.json").write_text(json.dumps({"auths": {}, "credsStore": "vault"}))
    assert (
        json.loads(_load("{dockerConfig: config.json}", tmp_path)["acme"])["auths"]["registry.acme.io"]["auth"] == AUTH
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "cannot be read: No such file or directory"),
        ("{", "is not JSON (line 1)"),
        ("[]", "is not a Docker config.json"),
        ('{"auths": {"other.io": {"auth": "eA=="}}}', "has no login for registry.acme.io (logins there: other.io)"),
        ('{"auths": {"registry.acme.io": {"auth": "&&&"}}}', "is not base64"),
        ('{"auths": {"registry.acme.io": {"auth": "c2VjcmV0"}}}', "is not `user:password`"),
        ('{"credsStore": "nowhere"}', "docker-credential-nowhere, which is not on PATH"),
    ],
    ids=["missing", "not-json", "not-a-config", "no-server", "not-base64", "no-colon", "no-helper"],
)
def test_unusable_docker_config_is_one_clear_problem(tmp_path: Path, text: str | None, problem: str) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    assert problem in _problem("{dockerConfig: config.json}", tmp_path)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("{env: ACME_PASSWORD}", "environment variable ACME_PASSWORD is not set"),
        ("{file: gone.txt}", "gone.txt cannot be read"),
        ("{file: empty.txt}", "empty.txt is empty"),
    ],
)
def test_missing_password_is_one_clear_problem(tmp_path: Path, source: str, problem: str) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    credentials = f"{{usernamePassword: {{username: robot, passwordFrom: {source}}}}}"
    assert problem in _problem(credentials, tmp_path)


def test_no_problem_shows_any_part_of_a_login(tmp_path: Path) -> None:
    secret = base64.b64encode(b"robot-without-colon-canary").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"registry.acme.io": {"auth": secret}}}))
    problem = _problem("{dockerConfig: config.json}", tmp_path)
    assert "canary" not in problem
    assert secret not in problem


def test_a_node_has_the_logins_of_the_registries_that_are_named_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"b.io": {"auth": AUTH}, "a.io": {"auth": AUTH}}}))
    text = SPEC.format(credentials="{dockerConfig: absent.json}").replace(
        "tenants:",
        "  b: {server: b.io, credentials: {dockerConfig: config.json}}\n"
        "  a: {server: a.io, credentials: {dockerConfig: config.json}}\ntenants:",
    )
    spec = parse_spec(text, file="spec.yaml")
    auth = f'{{"auth":"{AUTH}"}}'
    found = registry.load_node_logins(spec, ["b", "a"], base=tmp_path, environ={})
    assert found == f'{{"auths":{{"a.io":{auth},"b.io":{auth}}}}}'
    assert registry.load_node_logins(spec, [], base=tmp_path, environ={}) == ""
    with pytest.raises(errors.SpecError, match=r"registries\.acme\.credentials"):
        registry.load_node_logins(spec, ["acme"], base=tmp_path, environ={})
