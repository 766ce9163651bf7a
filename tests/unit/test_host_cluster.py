"""What hosts have to know of the cluster that they join: asked of an API server that is a dictionary."""

import datetime
import subprocess
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from kpo_provision import errors
from kpo_provision.spec.self_hosted import SelfHostedTarget
from kpo_provision.target.host_cluster import pin_authorities, read_cluster

PIN = "openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | sha256sum"
KINDS = {
    "ecdsa": (lambda: ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()),
    "ed25519": (ed25519.Ed25519PrivateKey.generate, None),
    "rsa": (lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048), hashes.SHA256()),
}


def make_authority(kind="ecdsa"):
    """Make a CA's certificate, as PEM."""
    generate, digest = KINDS[kind]
    key, name = generate(), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + datetime.timedelta(days=3650))
    return builder.sign(key, digest).public_bytes(Encoding.PEM).decode()


def pin(authority):
    """Let OpenSSL count the pin, as kubeadm's documentation has it."""
    said = subprocess.run(["bash", "-c", PIN], input=authority, capture_output=True, text=True, check=True)
    return f"sha256:{said.stdout.split()[0]}"


AUTHORITY = make_authority()


class Cluster:
    """An API server of a cluster that kubeadm made; ``maps`` are its ConfigMaps."""

    def __init__(self, server="https://10.0.0.1:6443", authority=AUTHORITY, configuration="networking: {}"):
        self.connection = SimpleNamespace(server=server)
        self.maps = {
            "kube-public/cluster-info": {},
            "kube-system/kube-root-ca.crt": {"ca.crt": authority},
            "kube-system/kubeadm-config": {"ClusterConfiguration": configuration},
        }
        self.status = 404

    def read(self, kind, name, namespace):
        assert kind == "ConfigMap"
        target = f"{namespace}/{name}"
        if target not in self.maps:
            raise errors.ApiError(verb="read", target=f"ConfigMap {target}", status=self.status, reason="", message="")
        return {"data": self.maps[target]}


def read(cluster, **wanted):
    return read_cluster(cluster, SelfHostedTarget(version="1.37", **wanted), version="v1.37.2")


@pytest.mark.parametrize("kind", KINDS)
def test_a_pin_is_what_openssl_counts(kind):
    authority = make_authority(kind)
    assert list(pin_authorities(authority)) == [pin(authority)]


def test_while_a_ca_changes_both_are_pinned():
    other = make_authority()
    facts = read(Cluster(authority=AUTHORITY + other))
    assert facts.ca_pins == (pin(AUTHORITY), pin(other))
    assert len(set(facts.ca_pins)) == 2


def test_the_cluster_is_reached_as_its_kubeconfig_says():
    facts = read(Cluster())
    assert (facts.api_server, facts.version, facts.minor, facts.ranges) == ("10.0.0.1:6443", "v1.37.2", 37, ())


@pytest.mark.parametrize(
    ("server", "address"),
    [
        ("https://api.acme.io", "api.acme.io:443"),
        ("https://api.acme.io:8443/", "api.acme.io:8443"),
        ("https://[fd00::1]:6443", "[fd00::1]:6443"),
    ],
)
def test_an_address_has_its_port_with_it(server, address):
    assert read(Cluster(server)).api_server == address


@pytest.mark.parametrize(
    "server", ["https://127.0.0.1:6443", "https://localhost:6443", "https://[::1]:6443", "https://0.0.0.0:6443"]
)
def test_an_address_that_only_this_machine_reaches_is_refused(server):
    with pytest.raises(errors.UsageError, match="where no host can") as caught:
        read(Cluster(server))
    assert server in str(caught.value)
    assert caught.value.hint == "set target.selfHosted.apiServer to host:port as the hosts reach it"


def test_the_spec_may_say_how_hosts_reach_it():
    facts = read(Cluster("https://127.0.0.1:6443"), apiServer="10.0.0.1:6443")
    assert facts.api_server == "10.0.0.1:6443"


@pytest.mark.parametrize("name", ["kube-public/cluster-info", "kube-system/kubeadm-config"])
def test_a_cluster_that_kubeadm_did_not_make_is_refused(name):
    cluster = Cluster()
    del cluster.maps[name]
    with pytest.raises(errors.ClusterError, match="was not made with kubeadm") as caught:
        read(cluster)
    assert f"ConfigMap {name} is not there" in str(caught.value)
    assert "kubeadm init phase" in caught.value.hint
    assert not isinstance(caught.value, errors.ApiError)


def test_what_may_not_be_read_is_not_taken_for_missing():
    cluster = Cluster()
    cluster.maps, cluster.status = {}, 403
    with pytest.raises(errors.ApiError) as caught:
        read(cluster)
    assert caught.value.is_forbidden


@pytest.mark.parametrize(
    ("configuration", "ranges"),
    [
        (
            "networking: {podSubnet: '10.244.0.0/16, fd00:10::/56', serviceSubnet: 10.96.0.0/12}",
            ("10.244.0.0/16", "fd00:10::/56", "10.96.0.0/12"),
        ),
        ("networking: {dnsDomain: cluster.local, serviceSubnet: 10.96.0.0/12}", ("10.96.0.0/12",)),
        ("networking:", ()),
        ("kubernetesVersion: v1.37.2", ()),
        ("", ()),
    ],
)
def test_the_ranges_are_those_that_kubeadm_was_told(configuration, ranges):
    assert read(Cluster(configuration=configuration)).ranges == ranges
