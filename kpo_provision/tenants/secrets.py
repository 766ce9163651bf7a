"""Fills the gaps that a bundle leaves for registry secrets, in memory and on the way to the API server only."""

from __future__ import annotations

import base64

from kpo_provision import plan
from kpo_provision.kube.kinds import Manifest
from kpo_provision.render.bundle import SecretGap

DOCKER_CONFIG_KEY = ".dockerconfigjson"


def fill_gap(gap: SecretGap, content: bytes, *, installation: str, tenant: str) -> Manifest:
    """Return the pull secret for a gap. It has no spec-hash: a hash of a short secret can be guessed from."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": gap.name,
            "namespace": gap.namespace,
            "labels": {
                plan.MANAGED_BY_KEY: plan.FIELD_MANAGER,
                plan.INSTALLATION_KEY: installation,
                plan.TENANT_KEY: tenant,
            },
        },
        "type": "kubernetes.io/dockerconfigjson",
        "data": {DOCKER_CONFIG_KEY: base64.b64encode(content).decode()},
    }
