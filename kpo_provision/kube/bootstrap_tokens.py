"""Bootstrap tokens, by which nodes join: made for one run and gone after it, or left to end by themselves."""

from __future__ import annotations

import contextlib
import datetime
import secrets
import string
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from kpo_provision import errors
from kpo_provision.kube.api import Api

_ALPHABET = string.ascii_lowercase + string.digits
_NAMESPACE = "kube-system"
_SIGNED_WITHIN_S = 60
_GROUP = "system:bootstrappers:kubeadm:default-node-token"
"""The group that ``kubeadm init`` allows to ask for a kubelet's certificate."""


@contextlib.contextmanager
def hold_token(api: Api, *, seconds: int, purpose: str) -> Iterator[str]:
    """Make a token that lives ``seconds`` at most, wait until hosts can check the cluster by it, and delete it.

    Raises:
        errors.ClusterError: The cluster makes none, or nobody there signs it.
    """
    token = create_token(api, seconds=seconds, purpose=purpose)
    try:
        yield token.text
    finally:
        with contextlib.suppress(errors.ApiError):  # it ends by itself
            api.delete("Secret", token.secret, _NAMESPACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrapToken:
    """A token, the name of the Secret that it is, and when it ends."""

    text: str = field(repr=False)
    secret: str
    expires: datetime.datetime


def create_token(api: Api, *, seconds: int, purpose: str) -> BootstrapToken:
    """Make a token that ends by itself after ``seconds``, and wait until hosts can check the cluster by it.

    Raises:
        errors.ClusterError: The cluster makes none, or nobody there signs it.
    """
    token_id, secret = _draw(6), _draw(16)
    name = f"bootstrap-token-{token_id}"
    expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    api.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": _NAMESPACE},
            "type": "bootstrap.kubernetes.io/token",
            "stringData": {
                "token-id": token_id,
                "token-secret": secret,
                "description": purpose,
                "expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "usage-bootstrap-authentication": "true",
                "usage-bootstrap-signing": "true",
                "auth-extra-groups": _GROUP,
            },
        }
    )
    try:
        _wait_until_signed(api, token_id)
    except errors.ClusterError:
        with contextlib.suppress(errors.ApiError):
            api.delete("Secret", name, _NAMESPACE)
        raise
    return BootstrapToken(text=f"{token_id}.{secret}", secret=name, expires=expires)


def _draw(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _wait_until_signed(api: Api, token_id: str) -> None:
    started = time.monotonic()
    while f"jws-kubeconfig-{token_id}" not in (api.read("ConfigMap", "cluster-info", "kube-public").get("data") or {}):
        if time.monotonic() - started > _SIGNED_WITHIN_S:
            raise errors.WaitTimeoutError(
                what="the signature of the bootstrap token in kube-public/cluster-info",
                waited_s=_SIGNED_WITHIN_S,
                last_seen="it is not signed",
                hint="kube-controller-manager must run with bootstrap-signer-controller among its --controllers",
            )
        time.sleep(0.1)
