"""Which programs a local cluster is made of, and where each comes from: data, no behaviour.

A component is released as one thing at one version. It is downloaded from where its project publishes it, or built from
the same version's Go modules; both give the same file names. What is published without a checksum is always built.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

KUBERNETES_VERSION = "1.37.2"
GO_VERSION = (1, 26)
"""The oldest Go that compiles every component below (the ``go`` line of their go.mod files)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One project's release.

    In URLs and archive members ``{version}``, ``{arch}`` and ``{program}`` stand for the values of the moment.
    """

    name: str
    version: str
    module: str
    programs: Mapping[str, str]
    """File name -> Go package below the module, or "" for the module itself."""
    url: str = ""
    """Empty where the project publishes no checksum to hold a download against."""
    checksum_url: str = ""
    member: str = ""
    """Where the program is inside the archive; empty when the URL is the program itself."""
    ldflags: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    imports: tuple[str, ...] = field(default=(), repr=False)
    """Plugins of a ``main`` of our own, for projects whose own one links every cloud's client library."""
    entry: str = ""
    """The statement of that ``main``, with the import path of what it calls in front: ``path:statement``."""


_KUBERNETES_MINOR = KUBERNETES_VERSION.split(".")[1]


def _describe_kubernetes(name: str, *, programs: Iterable[str]) -> Component:
    return Component(
        name=name,
        version=KUBERNETES_VERSION,
        module="k8s.io/kubernetes",
        programs={program: f"cmd/{program}" for program in programs},
        url="https://dl.k8s.io/release/v{version}/bin/linux/{arch}/{program}",
        checksum_url="https://dl.k8s.io/release/v{version}/bin/linux/{arch}/{program}.sha256",
        # Clients read the version that the server states; without these flags it is v0.0.0-master.
        ldflags=tuple(
            f"-X {package}.{variable}"
            for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
            for variable in (
                "gitVersion=v{version}",
                "gitMajor=1",
                f"gitMinor={_KUBERNETES_MINOR}",
                "gitTreeState=clean",
                "buildDate=1970-01-01T00:00:00Z",
            )
        ),
    )


COMPONENTS: tuple[Component, ...] = (
    Component(
        name="etcd",
        version="3.7.3",
        module="go.etcd.io/etcd/server/v3",
        programs={"etcd": ""},
        url="https://github.com/etcd-io/etcd/releases/download/v{version}/etcd-v{version}-linux-{arch}.tar.gz",
        checksum_url="https://github.com/etcd-io/etcd/releases/download/v{version}/SHA256SUMS",
        member="etcd-v{version}-linux-{arch}/{program}",
    ),
    Component(
        name="cni-plugins",
        version="1.9.1",
        module="github.com/containernetworking/plugins",
        programs={
            "ptp": "plugins/main/ptp",
            "loopback": "plugins/main/loopback",
            "host-local": "plugins/ipam/host-local",
        },
        url="https://github.com/containernetworking/plugins/releases/download/v{version}/cni-plugins-linux-{arch}-v{version}.tgz",
        checksum_url=(
            "https://github.com/containernetworking/plugins/releases/download/v{version}/"
            "cni-plugins-linux-{arch}-v{version}.tgz.sha256"
        ),
        member="{program}",
        ldflags=("-X github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion=v{version}",),
    ),
    Component(
        name="containerd",
        version="2.4.2",
        module="github.com/containerd/containerd/v2",
        programs={
            "containerd": "cmd/containerd",
            "containerd-shim-runc-v2": "cmd/containerd-shim-runc-v2",
            "ctr": "cmd/ctr",
        },
        url="https://github.com/containerd/containerd/releases/download/v{version}/containerd-{version}-linux-{arch}.tar.gz",
        checksum_url=(
            "https://github.com/containerd/containerd/releases/download/v{version}/"
            "containerd-{version}-linux-{arch}.tar.gz.sha256sum"
        ),
        member="bin/{program}",
        ldflags=("-X github.com/containerd/containerd/v2/version.Version=v{version}",),
        tags=("no_btrfs", "no_devmapper", "no_zfs", "no_tracing"),
    ),
    _describe_kubernetes(
        "kubernetes",
        programs=(
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kube-proxy",
            "kubelet",
            "kubectl",
        ),
    ),
    Component(
        name="coredns",
        version="1.15.0",
        module="github.com/coredns/coredns",
        programs={"coredns": ""},
        url="https://github.com/coredns/coredns/releases/download/v{version}/coredns_{version}_linux_{arch}.tgz",
        checksum_url="https://github.com/coredns/coredns/releases/download/v{version}/coredns_{version}_linux_{arch}.tgz.sha256",
        member="{program}",
        imports=tuple(
            f"github.com/coredns/coredns/plugin/{plugin}"
            for plugin in ("cache", "errors", "health", "kubernetes", "loop", "ready", "reload", "template")
        ),
        entry="github.com/coredns/coredns/coremain:coremain.Run()",
    ),
    Component(
        name="registry",
        version="3.1.2",
        module="github.com/distribution/distribution/v3",
        programs={"registry": ""},
        url="https://github.com/distribution/distribution/releases/download/v{version}/registry_{version}_linux_{arch}.tar.gz",
        checksum_url=(
            "https://github.com/distribution/distribution/releases/download/v{version}/"
            "registry_{version}_linux_{arch}.tar.gz.sha256"
        ),
        member="{program}",
        ldflags=("-X github.com/distribution/distribution/v3/version.version=v{version}",),
        imports=(
            "github.com/distribution/distribution/v3/registry/auth/htpasswd",
            "github.com/distribution/distribution/v3/registry/storage/driver/filesystem",
        ),
        entry="github.com/distribution/distribution/v3/registry:registry.RootCmd.Execute()",
    ),
)

JOIN_COMPONENTS: tuple[Component, ...] = (_describe_kubernetes("kubeadm", programs=("kubeadm",)),)
"""What a host needs beside a node's own programs to become one, and the local cluster does not."""

SIMULATED_COMPONENTS: tuple[Component, ...] = (
    *(component for component in COMPONENTS if component.name in ("etcd", "kubernetes")),
    Component(name="kwok", version="0.8.0", module="sigs.k8s.io/kwok", programs={"kwok": "cmd/kwok"}),
)
"""What a cluster of simulated nodes is made of."""
