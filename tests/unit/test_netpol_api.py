from pathlib import Path

import pytest

from kpo_provision import errors
from kpo_provision.local.netpol import api

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: local
contexts:
  - {name: other, context: {cluster: other, user: other}}
  - {name: local, context: {cluster: here, user: netpol}}
clusters:
  - {name: here, cluster: {server: "https://10.88.0.1:6443", certificate-authority: ca.crt}}
users:
  - {name: netpol, user: {client-certificate: /pki/netpol.crt, client-key: netpol.key}}
"""


def test_kubeconfig_gives_the_current_context_with_files_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "netpol.kubeconfig"
    file.write_text(KUBECONFIG)
    assert api.load_kubeconfig(file) == api.ApiServer(
        host="10.88.0.1",
        port=6443,
        authority=tmp_path / "ca.crt",
        certificate=Path("/pki/netpol.crt"),
        key=tmp_path / "netpol.key",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        KUBECONFIG.replace("current-context: local", "current-context: gone"),
        KUBECONFIG.replace("client-key", "k"),
    ],
)
def test_kubeconfig_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "netpol.kubeconfig"
    file.write_text(text)
    with pytest.raises(errors.ClusterError, match=r"netpol\.kubeconfig cannot be used"):
        api.load_kubeconfig(file)


def test_missing_certificate_is_an_error_of_the_cluster(tmp_path: Path) -> None:
    (tmp_path / "netpol.kubeconfig").write_text(KUBECONFIG)
    server = api.load_kubeconfig(tmp_path / "netpol.kubeconfig")
    with pytest.raises(errors.ClusterError, match="No such file"):
        server.read_json("/api/v1/pods")
