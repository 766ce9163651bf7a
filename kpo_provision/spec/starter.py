"""Renders the spec that ``kpo-provision init`` writes: commented, and valid as it stands."""

from __future__ import annotations

import json
from string import Template
from typing import Literal

_HEAD = """\
# yaml-language-server: $$schema=./kpo-provision.schema.json
# The line above lets an editor complete and check this file; `kpo-provision schema` writes the schema.
apiVersion: kpo-provision.io/v1
kind: Installation
metadata:
  name: $name                 # one spec, one cluster

# The namespace of a tenant is <namespacePrefix>-<release>.
namespacePrefix: astronomer

"""

_LOCAL = """\
# A real Kubernetes on this machine, with a private registry: `sudo kpo-provision local up` starts it.
target:
  local: {}

# Private registries, by a name of your choice. The login is read when `apply` runs and is never written here.
registries:
  local:
    server: registry.local:5000
    credentials: {localCluster: {}}
    probeImage: kpo/probe:1     # what `verify` pulls with the tenant's own secret

# Pools of nodes for pods of KubernetesPodOperator alone.
nodePools:
  standard:
    largestPod: {cpu: 1500m, memory: 4Gi}   # a larger pod is refused when it is created

"""

_KUBECONFIG = """\
# A cluster that exists already.
target:
  kubeconfig:
$context
    version: "1.36"             # its minor version, in quotes: `kubectl version` tells

# Private registries, by a name of your choice. The login is read when `apply` runs and is never written here.
# registries:
#   acme:
#     server: registry.acme.io
#     credentials: {dockerConfig: ~/.docker/config.json}
#     probeImage: kpo/probe:1   # what `verify` pulls with the tenant's own secret

# Pools of nodes for pods of KubernetesPodOperator alone. `apply` labels and taints the nodes that nodeSelector tells.
nodePools:
  standard:
    largestPod: {cpu: 3500m, memory: 13Gi}  # a larger pod is refused when it is created
    nodeSelector:
      workload: kpo

# What `verify` launches for a tenant whose registries name no probeImage.
probe:
  image: docker.io/library/busybox:1.37

"""

_GKE = """\
# A GKE cluster: Terraform makes its node pools, and with `create: true` the cluster itself.
target:
  gke:
    project: acme-data          # the project's ID
    location: europe-west1      # region, or zone of a cluster in one zone
    cluster: airflow
    version: "1.34"             # its minor version, in quotes
    # backend:                  # where Terraform keeps its state; a file on this machine when absent
    #   gcs: {bucket: acme-terraform-state}
    #   remote: {organization: acme, workspace: airflow}   # or this: Terraform runs in Terraform Cloud

# Private registries, by a name of your choice. The login is read when `apply` runs and is never written here.
# registries:
#   acme:
#     server: registry.acme.io
#     credentials: {dockerConfig: ~/.docker/config.json}
#     probeImage: kpo/probe:1   # what `verify` pulls with the tenant's own secret

# Pools of nodes for pods of KubernetesPodOperator alone. `kpo-provision size` says which machines, how many, and why.
nodePools:
  standard:
    largestPod: {cpu: 3500m, memory: 13Gi}  # a larger pod is refused when it is created
    machineFamilies: [n2, e2]

# What `verify` launches for a tenant whose registries name no probeImage.
probe:
  image: docker.io/library/busybox:1.37

# Namespaces of GKE's own, whose pods run on every node.
admission:
  exemptNamespaces: [kube-system, gmp-system, gke-managed-system]

"""

_SELF_HOSTED = """\
# A cluster that was made with kubeadm, and hosts that join it over SSH.
target:
  selfHosted:
$context
    version: "1.36"             # its minor version, in quotes: `kubectl version` tells
    ssh:
      user: ops                 # root, or a user with sudo and no password
      # identityFile: ~/.ssh/id_ed25519         # the SSH agent's keys when absent

# Private registries, by a name of your choice. The login is read when `apply` runs and is never written here.
# registries:
#   acme:
#     server: registry.acme.io
#     credentials: {dockerConfig: ~/.docker/config.json}
#     probeImage: kpo/probe:1   # what `verify` pulls with the tenant's own secret

# Pools of nodes for pods of KubernetesPodOperator alone. Their hosts' public keys are in ~/.ssh/known_hosts.
nodePools:
  standard:
    machineType: rack
    largestPod: {cpu: 3500m, memory: 13Gi}  # a larger pod is refused when it is created
    hosts:                      # by the name of the node that each becomes
      node-1: {address: 10.0.4.11}
      node-2: {address: 10.0.4.12}

# What the hosts are. `kpo-provision plan` shows what their kernels say of capacity and storage.
sizing:
  machineTypes:
    rack: {cpu: 8, memory: 32Gi}

# What `verify` launches for a tenant whose registries name no probeImage.
probe:
  image: docker.io/library/busybox:1.37

"""

_TENANTS = """\
# Tenants, by Airflow release name. extraCapacity is what the pods of one may use, in AU: 0.1 CPU, 384 MiB and 1 pod.
tenants:
  $tenant:
    extraCapacity: $capacity
    pool: standard
$registries
  solar-orbit-4143:
    extraCapacity: 0            # may not launch pods at all
"""

_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What YAML 1.1 reads as something else."""
_CONTEXT = "    context: $context"
_NO_CONTEXT = "    # context: staging         # the current context of the kubeconfig when absent"


StarterTarget = Literal["local", "kubeconfig", "gke", "selfHosted"]
"""The targets that a first spec can be for."""

_PARTS: dict[StarterTarget, str] = {
    "local": _LOCAL,
    "kubeconfig": _KUBECONFIG,
    "gke": _GKE,
    "selfHosted": _SELF_HOSTED,
}


def render_starter(
    target: StarterTarget,
    *,
    name: str,
    context: str | None = None,
    tenant: str = "frigid-vacuum-0996",
    capacity_au: int = 10,
) -> str:
    """Render a first spec for ``target``, with one tenant that may launch pods and one that may not.

    ``context`` is the kubeconfig context, the current one when absent.
    """
    is_local = target == "local"
    # JSON's quoting is YAML's, so that no name can be read as anything but text.
    chosen = Template(_CONTEXT).substitute(context=json.dumps(context)) if context else _NO_CONTEXT
    return Template(_HEAD + _PARTS[target] + _TENANTS).substitute(
        name=json.dumps(name),
        tenant=_quote(tenant),
        capacity=capacity_au,
        context=chosen,
        registries="    registries: [local]" if is_local else "    # registries: [acme]",
    )


def _quote(key: str) -> str:
    """Write a key that begins with a letter as it is: no such label reads as anything but text."""
    return key if key[:1].isalpha() and key not in _WORDS else json.dumps(key)
