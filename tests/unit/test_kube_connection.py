"""From a kubeconfig to a connection, and what is said when that does not work."""

import os
import stat
from pathlib import Path

import pytest
import yaml

from kpo_provision import errors
from kpo_provision.kube.connection import Connection, ServerVersion, connect, require_version

TOKEN = "canary-token"


def kubeconfig(path: Path, *, user=None, cluster=None, contexts=("prod", "staging"), current="prod"):
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1/k8s/", **(cluster or {})}}],
        "users": [{"name": "u", "user": {"token": TOKEN} if user is None else user}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in contexts],
    }
    path.write_text(yaml.safe_dump(content))
    return path


def login_program(tmp_path, script):
    program = tmp_path / "login"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(stat.S_IRWXU)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}}


def refusal_of(path, context=None):
    with pytest.raises(errors.ClusterError) as caught:
        connect(kubeconfig=path, context=context)
    assert caught.value.hint
    return caught.value


def test_the_current_context_is_used_when_none_is_named(tmp_path):
    found = connect(kubeconfig=kubeconfig(tmp_path / "config"), context=None)
    assert (found.context, found.server) == ("prod", "http://127.0.0.1:1/k8s")
    assert found.authorize() == f"Bearer {TOKEN}"


def test_a_named_context_is_used(tmp_path):
    assert connect(kubeconfig=kubeconfig(tmp_path / "config"), context="staging").context == "staging"


def test_kubeconfig_of_the_environment_is_used(tmp_path, monkeypatch):
    kubeconfig(tmp_path / "first", contexts=("one",), current="one")
    kubeconfig(tmp_path / "second", contexts=("two",), current="two")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'first'}{os.pathsep}{tmp_path / 'second'}")
    assert connect(kubeconfig=None, context="two").context == "two"


def test_a_connection_shows_no_credential(tmp_path):
    found = connect(kubeconfig=kubeconfig(tmp_path / "config"), context=None)
    assert TOKEN not in repr(found)
    assert "other-canary" not in repr(found.as_bearer("other-canary"))


def test_a_bearer_shows_its_token_alone(tmp_path):
    found = connect(kubeconfig=kubeconfig(tmp_path / "config"), context=None).as_bearer("worker")
    assert found.authorize() == "Bearer worker"
    assert found.tls is None


def test_a_bearer_has_no_client_certificate():
    import ssl

    with_certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    without = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found = Connection(server="https://a", context="c", tls=with_certificate, tls_without_identity=without)
    assert found.as_bearer("worker").tls is without


def test_a_missing_file_is_named(tmp_path):
    assert str(refusal_of(tmp_path / "nowhere")) == f"there is no kubeconfig at {tmp_path / 'nowhere'}"


@pytest.mark.parametrize("text", ["{not: [yaml", "", "just text", "contexts: 3", "[]"])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path, text):
    path = tmp_path / "config"
    path.write_text(text)
    assert f"the kubeconfig {path} cannot be used" in str(refusal_of(path))
    assert str(path) in str(refusal_of(path, "prod"))


def test_an_unknown_context_is_answered_with_the_nearest(tmp_path):
    refusal = refusal_of(kubeconfig(tmp_path / "config"), "stagin")
    assert "has no context stagin" in str(refusal)
    assert refusal.hint == "did you mean staging?"


def test_an_unknown_context_like_no_other_is_answered_with_all(tmp_path):
    assert refusal_of(kubeconfig(tmp_path / "config"), "xyz").hint == "its contexts are: prod, staging"


def test_a_certificate_file_that_is_missing_is_named(tmp_path):
    cluster = {"server": "https://127.0.0.1:1", "certificate-authority": str(tmp_path / "ca.crt")}
    assert "ca.crt" in str(refusal_of(kubeconfig(tmp_path / "config", cluster=cluster)))


def test_a_certificate_that_is_none_is_refused(tmp_path):
    cluster = {"server": "https://127.0.0.1:1", "certificate-authority-data": "bm90IGEgY2VydA=="}
    assert "certificates of context prod cannot be used" in str(
        refusal_of(kubeconfig(tmp_path / "config", cluster=cluster))
    )


def test_a_login_program_gives_the_token(tmp_path):
    answer = (
        '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"from-program"}}'
    )
    path = kubeconfig(tmp_path / "config", user=login_program(tmp_path, f"echo '{answer}'"))
    assert connect(kubeconfig=path, context=None).authorize() == "Bearer from-program"


def test_a_login_program_that_fails_is_quoted(tmp_path):
    path = kubeconfig(tmp_path / "config", user=login_program(tmp_path, "echo 'reauthentication needed' >&2; exit 1"))
    refusal = refusal_of(path)
    assert "no usable credentials" in str(refusal)
    assert "reauthentication needed" in str(refusal)
    assert "log in again" in refusal.hint


def test_a_login_program_that_is_not_installed_is_named(tmp_path):
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-auth-plugin"}}
    assert "no-such-auth-plugin" in str(refusal_of(kubeconfig(tmp_path / "config", user=user)))


def test_a_user_without_credentials_is_told(tmp_path):
    assert "neither token, certificate nor password" in str(refusal_of(kubeconfig(tmp_path / "config", user={})))


def test_the_proxy_of_the_environment_is_used_unless_excepted(tmp_path, monkeypatch):
    path = kubeconfig(tmp_path / "config", cluster={"server": "https://api.example:6443"})
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert connect(kubeconfig=path, context=None).proxy == "http://proxy.example:3128"
    monkeypatch.setenv("NO_PROXY", "api.example")
    assert connect(kubeconfig=path, context=None).proxy is None


class Server:
    def __init__(self, *release):
        self.release = release

    def server_version(self):
        return ServerVersion(release=self.release, text="v{}.{}.2".format(*self.release))


def test_a_server_that_is_new_enough_is_accepted():
    assert require_version(Server(1, 34), minimum=(1, 30), declared=(1, 34)) == "v1.34.2"
    assert require_version(Server(1, 37), declared=(1, 34)) == "v1.37.2"
    assert require_version(Server(1, 33), declared=(1, 34)) == "v1.33.2"


def test_a_server_that_is_too_old_is_refused():
    with pytest.raises(errors.ClusterError, match=r"runs Kubernetes v1\.29\.2; kpo-provision needs 1\.30 or newer"):
        require_version(Server(1, 29), minimum=(1, 30), declared=(1, 29))


def test_a_server_that_cannot_place_pods_though_the_spec_says_so_is_refused():
    with pytest.raises(errors.ClusterError) as caught:
        require_version(Server(1, 34), declared=(1, 36))
    assert 'set target.kubeconfig.version to "1.34"' in caught.value.hint
