"""The keys of hosts in files that OpenSSH's own ssh-keygen wrote."""

import subprocess

import pytest

from kpo_provision import errors
from kpo_provision.hosts import choose_key, find_keys


def keygen(*arguments):
    subprocess.run(["ssh-keygen", "-q", *map(str, arguments)], capture_output=True, check=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A real public key of each kind, ``TYPE BASE64``."""
    folder = tmp_path_factory.mktemp("keys")
    for kind in ("ed25519", "ecdsa", "rsa"):
        keygen("-t", kind, "-N", "", "-f", folder / kind)
    return {file.stem: " ".join(file.read_text().split()[:2]) for file in folder.glob("*.pub")}


@pytest.fixture
def known_hosts(tmp_path, keys):
    """A file with two hosts, one of which has SSH on two ports and a key of its own on each."""
    lines = (
        f"10.0.0.1 {keys['ed25519']}",
        f"10.0.0.1 {keys['rsa']} ops@rack 7",
        f"[10.0.0.1]:2222 {keys['ecdsa']}",
        f"10.0.0.11,node-2.acme.io {keys['ecdsa']}",
    )
    file = tmp_path / "known hosts"
    file.write_text("# the hosts of acme\n" + "".join(f"{line}\n" for line in lines))
    return file


def test_all_keys_of_a_host_are_found_without_its_name_and_comment(known_hosts, keys):
    assert find_keys("10.0.0.1", 22, known_hosts) == (keys["ed25519"], keys["rsa"])


def test_a_host_is_known_by_any_of_its_names(known_hosts, keys):
    assert find_keys("node-2.acme.io", 22, known_hosts) == (keys["ecdsa"],)


def test_a_port_of_its_own_has_keys_of_its_own(known_hosts, keys):
    assert find_keys("10.0.0.1", 2222, known_hosts) == (keys["ecdsa"],)
    assert find_keys("10.0.0.11", 2222, known_hosts) == ()


def test_names_that_are_hashed_are_found_as_well(known_hosts, keys):
    keygen("-H", "-f", known_hosts)
    assert "10.0.0.1" not in known_hosts.read_text()
    assert find_keys("10.0.0.1", 22, known_hosts) == (keys["ed25519"], keys["rsa"])
    assert find_keys("10.0.0.1", 2222, known_hosts) == (keys["ecdsa"],)
    assert find_keys("node-2.acme.io", 22, known_hosts) == (keys["ecdsa"],)


def test_a_host_that_is_not_there_has_no_key(known_hosts):
    assert find_keys("10.0.0.2", 22, known_hosts) == ()


@pytest.mark.parametrize("marker", ["@revoked", "@cert-authority"])
def test_a_key_that_is_revoked_or_signs_others_is_no_hosts_own(tmp_path, keys, marker):
    file = tmp_path / "known_hosts"
    file.write_text(f"{marker} 10.0.0.1 {keys['rsa']}\n10.0.0.1 {keys['ed25519']}\n")
    assert find_keys("10.0.0.1", 22, file) == (keys["ed25519"],)


def test_a_file_that_is_missing_is_named_with_the_way_to_make_it(tmp_path):
    file = tmp_path / "known_hosts"
    with pytest.raises(errors.UsageError, match=f"there is no {file}") as caught:
        find_keys("10.0.0.1", 22, file)
    assert f"ssh-keyscan 10.0.0.1 >>{file}" in caught.value.hint
    assert "ssh.knownHosts" in caught.value.hint


def test_a_folder_is_no_file_of_known_hosts(tmp_path):
    with pytest.raises(errors.UsageError):
        find_keys("10.0.0.1", 22, tmp_path)


def test_without_openssh_it_says_what_to_install(known_hosts, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(errors.UsageError, match="no ssh-keygen on PATH") as caught:
        find_keys("10.0.0.1", 22, known_hosts)
    assert "openssh-client" in caught.value.hint


def test_the_key_that_terraform_asks_for_first_is_chosen():
    known = {
        "ed25519": "ssh-ed25519 AAAA1",
        "rsa": "ssh-rsa AAAA2",
        "p521": "ecdsa-sha2-nistp521 AAAA3",
        "p384": "ecdsa-sha2-nistp384 AAAA4",
        "p256": "ecdsa-sha2-nistp256 AAAA5",
    }
    while known:
        last = next(reversed(known))
        assert choose_key(known.values()) == known[last]
        del known[last]


def test_there_may_be_none_to_choose():
    assert choose_key(()) == ""
    assert choose_key(["ssh-dss AAAA"]) == ""
