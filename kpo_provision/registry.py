"""Logins for private registries, read at run time from where the spec says they are.

What is read here goes into Kubernetes Secrets, or to the kubelets of hosts, and nowhere else: no value of it is logged,
printed or put in an argv.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kpo_provision import errors
from kpo_provision.spec import model, paths

HELPER_TIMEOUT_S = 30


class _LoginError(Exception):
    """A login that could not be read; the sentence says why and holds no secret."""


def load_logins(spec: model.Installation, *, base: Path, environ: Mapping[str, str]) -> dict[str, bytes]:
    """Read the login of every registry of ``spec``, but for the local cluster's own, as ``.dockerconfigjson`` bytes.

    Args:
        spec: The installation.
        base: Folder that relative paths in the spec are relative to.
        environ: Environment to read variables from.

    Raises:
        errors.SpecError: With one issue a registry whose login cannot be read.
    """
    logins: dict[str, bytes] = {}
    issues: list[errors.SpecIssue] = []
    for name, registry in spec.registries.items():
        if registry.credentials.local_cluster is not None:
            continue
        try:
            logins[name] = _read_login(registry, base=base, environ=environ)
        except _LoginError as e:
            issues.append(errors.SpecIssue(path=f"registries.{name}.credentials", problem=str(e)))
    if issues:
        raise errors.SpecError(issues, hint="no cluster was touched; mend the login and run the same command again")
    return logins


def load_node_logins(spec: model.Installation, names: Sequence[str], *, base: Path, environ: Mapping[str, str]) -> str:
    """Read the logins of some registries of ``spec`` as one Docker ``config.json``; empty where there are none.

    Raises:
        errors.SpecError: With one issue a registry whose login cannot be read.
    """
    chosen = spec.model_copy(update={"registries": {name: spec.registries[name] for name in names}})
    auths: dict[str, Any] = {}
    for login in load_logins(chosen, base=base, environ=environ).values():
        auths |= json.loads(login)["auths"]
    return json.dumps({"auths": auths}, sort_keys=True, separators=(",", ":")) if auths else ""


def load_local_logins(spec: model.Installation, docker_config: Path) -> dict[str, bytes]:
    """Read the logins of the registries of ``spec`` that are the local cluster's own."""
    local = {name: r for name, r in spec.registries.items() if r.credentials.local_cluster is not None}
    try:
        return {name: _login_from_docker_config(docker_config, registry.server) for name, registry in local.items()}
    except _LoginError as e:
        raise errors.LocalClusterError(
            f"the local cluster's registry login cannot be read: {e}", hint="run `kpo-provision local up` again"
        ) from e


def _read_login(registry: model.Registry, *, base: Path, environ: Mapping[str, str]) -> bytes:
    credentials = registry.credentials
    if credentials.docker_config is not None:
        return _login_from_docker_config(paths.resolve_path(credentials.docker_config, base=base), registry.server)
    if credentials.username_password is not None:
        account = credentials.username_password
        password = _read_secret(account.password_from, base=base, environ=environ)
        return _docker_config_json(registry.server, username=account.username, password=password)
    raise _LoginError("no kind of credentials is given")


def _read_secret(source: model.SecretSource, *, base: Path, environ: Mapping[str, str]) -> str:
    if source.env is not None:
        if not environ.get(source.env):
            raise _LoginError(f"the environment variable {source.env} is not set, or is empty")
        return environ[source.env]
    path = paths.resolve_path(source.file or "", base=base)
    secret = _read_text(path).rstrip("\r\n")
    if not secret:
        raise _LoginError(f"{path} is empty")
    return secret


def _login_from_docker_config(path: Path, server: str) -> bytes:
    try:
        config = json.loads(_read_text(path))
    except json.JSONDecodeError as e:
        raise _LoginError(f"{path} is not JSON (line {e.lineno})") from e
    auths, helpers = (_read_mapping(config, key, path=path) for key in ("auths", "credHelpers"))
    auth = _find_auth(auths, server)
    if auth:
        username, password = _decode_auth(auth, path=path, server=server)
        return _docker_config_json(server, username=username, password=password)
    helper = helpers.get(server) or config.get("credsStore")
    if helper:
        return _login_from_helper(str(helper), server)
    known = ", ".join(sorted(auths)) or "none"
    raise _LoginError(f"{path} has no login for {server} (logins there: {known}); run `docker login {server}`")


def _read_mapping(config: object, key: str, *, path: Path) -> Mapping[str, Any]:
    found = (config.get(key) or {}) if isinstance(config, dict) else None
    if not isinstance(found, dict):
        raise _LoginError(f"{path} is not a Docker config.json")
    return found


def _find_auth(auths: Mapping[str, Any], server: str) -> str:
    for key, entry in auths.items():
        host = key.removeprefix("https://").removeprefix("http://").split("/", maxsplit=1)[0]
        if host == server and isinstance(entry, dict):
            return str(entry.get("auth") or "")
    return ""


def _decode_auth(auth: str, *, path: Path, server: str) -> tuple[str, str]:
    try:
        username, separator, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except ValueError as e:
        raise _LoginError(f"the login for {server} in {path} is not base64") from e
    if not separator:
        raise _LoginError(f"the login for {server} in {path} is not `user:password` in base64")
    return username, password


def _login_from_helper(helper: str, server: str) -> bytes:
    """Ask a Docker credential helper, which speaks JSON over stdin and stdout."""
    command = f"docker-credential-{helper}"
    if shutil.which(command) is None:
        raise _LoginError(f"the login for {server} is kept by {command}, which is not on PATH")
    try:
        answer = subprocess.run(
            [command, "get"], input=server, capture_output=True, text=True, timeout=HELPER_TIMEOUT_S, check=True
        )
        login = json.loads(answer.stdout)
        return _docker_config_json(server, username=login["Username"], password=login["Secret"])
    except subprocess.TimeoutExpired as e:
        raise _LoginError(f"{command} gave no login for {server} in {HELPER_TIMEOUT_S} s") from e
    except (OSError, subprocess.CalledProcessError, json.JSONDecodeError, KeyError, TypeError) as e:
        raise _LoginError(f"{command} has no login for {server}; run `docker login {server}`") from e


def _docker_config_json(server: str, *, username: str, password: str) -> bytes:
    auth = base64.b64encode(f"{username}:{password}".encode()).decode()
    return json.dumps({"auths": {server: {"auth": auth}}}, separators=(",", ":")).encode()


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as e:
        raise _LoginError(f"{path} cannot be read: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise _LoginError(f"{path} is not UTF-8 text") from e
