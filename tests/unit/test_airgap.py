"""Bundles for hosts without the Internet: whole or not there, the same bytes, and refused where a byte differs."""

import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import zlib
from dataclasses import replace

import pytest

from kpo_provision import errors, progress
from kpo_provision.airgap.archive import read_bundle, verify_bundle, write_bundle
from kpo_provision.airgap.contents import Bundle, BundledFile, Part
from kpo_provision.airgap.create import Sources, create_bundle
from kpo_provision.airgap.images import read_image_names
from kpo_provision.local import machine
from kpo_provision.local.images import make_image, make_layer, write_archive
from kpo_provision.local.recipes import COMPONENTS, JOIN_COMPONENTS

QUIET = progress.Silent()
PROGRAMS = {
    "cni-plugins": ("host-local", "loopback", "ptp"),
    "containerd": ("containerd", "containerd-shim-runc-v2", "ctr"),
    "kubernetes": ("kubelet", "kubectl"),
    "kubeadm": ("kubeadm",),
}


def digest(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def mirror(tmp_path):
    """A mirror of releases, with a line of text for every program."""
    folder = tmp_path / "mirror"
    for component in (*COMPONENTS, *JOIN_COMPONENTS):
        wanted = PROGRAMS.get(component.name, ())
        values = {"version": component.version, "arch": machine.read_architecture()}
        for program in wanted:
            data = f"{program} of {component.version}\n".encode()
            url = component.url.format(**values, program=program)
            if component.member:
                data = pack({component.member.format(**values, program=name): name.encode() for name in wanted})
            put(folder, url, data)
            put(folder, component.checksum_url.format(**values, program=program), f"{digest(data)}\n".encode())
    return folder


def put(folder, url, data):
    path = folder / url.removeprefix("https://")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def pack(files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


@pytest.fixture
def sources(tmp_path, mirror):
    runc = tmp_path / "runc"
    runc.write_text("#!/bin/sh\necho 'runc version 1.3.0'\necho 'spec: 1.2.1'\n")
    runc.chmod(0o755)
    archive = tmp_path / "pause.tar"
    write_archive(make_image("acme.local/pause:1", layer=make_layer({}), command=["pause"]), archive)
    return Sources(cache=tmp_path / "cache", mirror=str(mirror), runc=runc, images=[archive])


def test_a_bundle_holds_what_makes_a_node(tmp_path, sources):
    made = create_bundle(tmp_path / "b.tar.gz", sources, progress=QUIET)
    assert made.programs == ("containerd", "containerd-shim-runc-v2", "ctr", "kubeadm", "kubectl", "kubelet", "runc")
    assert made.images == ("acme.local/pause:1",)
    assert {file.target for file in made.files if file.target.startswith("/etc")} == {
        "/etc/systemd/system/containerd.service",
        "/etc/systemd/system/kubelet.service",
        "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
    }
    assert verify_bundle(tmp_path / "b.tar.gz", progress=QUIET) == made == read_bundle(tmp_path / "b.tar.gz")


def test_a_bundle_says_what_of_whom_it_has_and_by_which_licence(tmp_path, sources):
    create_bundle(tmp_path / "b.tar.gz", sources, progress=QUIET)
    versions = {component.name: component.version for component in COMPONENTS}
    assert read_bundle(tmp_path / "b.tar.gz").parts == tuple(
        Part(name=name, version=version, licence="Apache-2.0")
        for name, version in (
            *((name, versions[name]) for name in ("cni-plugins", "containerd", "kubernetes")),
            ("runc", "1.3.0"),
        )
    )


@pytest.mark.parametrize("text", ["not to be run here", "#!/bin/sh\necho 1.3.0\n"])
def test_the_version_of_a_runc_that_does_not_say_it_is_unknown(text, tmp_path, sources):
    sources.runc.write_text(text)
    made = create_bundle(tmp_path / "b.tar.gz", sources, progress=QUIET)
    assert made.parts[-1].version == "unknown"


@pytest.mark.parametrize(
    ("mirror", "problem"),
    [
        ("https://kim:opensesame@mirror.acme.io", "has a login in it"),
        ("ftp://kim:opensesame@mirror.acme.io", "a folder, or an http or https URL"),
        ("https://[opensesame", "a folder, or an http or https URL"),
    ],
)
def test_a_mirror_that_is_none_is_refused_without_its_password(mirror, problem, tmp_path, sources):
    with pytest.raises(errors.UsageError, match=problem) as refused:
        create_bundle(tmp_path / "b.tar.gz", replace(sources, mirror=mirror), progress=QUIET)
    assert "opensesame" not in f"{refused.value} {refused.value.hint}"


@pytest.mark.parametrize("name", ["two lines\n.tar", "a\ttab.tar", "a space.tar", "-C.tar"])
def test_an_archive_whose_name_a_host_would_misread_is_refused(name, tmp_path, sources):
    archive = sources.images[0].rename(tmp_path / name)
    with pytest.raises(errors.UsageError, match="cannot be that of a file in a bundle"):
        create_bundle(tmp_path / "b.tar.gz", replace(sources, images=[archive]), progress=QUIET)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("bin/a", "/etc/shadow"),
        ("bin/../a", "/usr/local/bin/../a"),
        ("etc/passwd", "/etc/passwd"),
        ("images/a.tar", "/root/a"),
        ("bin/a\tb", "/usr/local/bin/a\tb"),
    ],
)
def test_a_manifest_that_puts_a_file_elsewhere_is_refused(path, target, tmp_path):
    source = tmp_path / "file"
    source.write_text("x")
    file = BundledFile(path=path, sha256=digest(b"x"), size=1, target=target)
    bundle = Bundle(architecture="amd64", kubernetes="1.37.2", containerd="2.4.2", files=(file,))
    write_bundle(tmp_path / "b.tar.gz", bundle, {path: source}, progress=QUIET)
    with pytest.raises(errors.UsageError, match="where nothing of it belongs"):
        read_bundle(tmp_path / "b.tar.gz")


def test_the_same_parts_give_the_same_bytes(tmp_path, sources):
    one = create_bundle(tmp_path / "1.tar.gz", sources, progress=QUIET)
    two = create_bundle(tmp_path / "2.tar.gz", sources, progress=QUIET)
    assert one.sha256 == two.sha256


def test_a_program_that_is_not_what_its_checksum_says_is_refused(tmp_path, sources, mirror):
    (kubelet,) = mirror.glob("dl.k8s.io/release/*/bin/linux/*/kubelet")
    kubelet.write_text("another\n")
    with pytest.raises(errors.LocalClusterError, match="kubelet is not what its project published"):
        create_bundle(tmp_path / "b.tar.gz", sources, progress=QUIET)
    assert not (tmp_path / "b.tar.gz").exists()


def test_a_mirror_without_a_version_is_an_error_that_names_the_file(tmp_path, sources):
    other = Sources(cache=sources.cache, mirror=sources.mirror, kubernetes="1.20.0", runc=sources.runc)
    with pytest.raises(errors.LocalClusterError, match=r"v1\.20\.0"):
        create_bundle(tmp_path / "b.tar.gz", other, progress=QUIET)


def test_what_is_no_archive_of_images_is_refused(tmp_path):
    path = tmp_path / "image.tar"
    path.write_text("no tar")
    with pytest.raises(errors.UsageError, match="is no archive of images"):
        read_image_names(path)
    path.write_bytes(gzip.decompress(pack({"index.json": b'{"manifests": []}'})))
    with pytest.raises(errors.UsageError, match="have no names"):
        read_image_names(path)


def test_names_are_read_from_what_docker_saves(tmp_path):
    path = tmp_path / "image.tar"
    path.write_bytes(gzip.decompress(pack({"manifest.json": json.dumps([{"RepoTags": ["acme.io/a:1"]}]).encode()})))
    assert read_image_names(path) == ("acme.io/a:1",)


def test_every_byte_counts(tmp_path, sources):
    path = tmp_path / "b.tar.gz"
    create_bundle(path, sources, progress=QUIET)
    data = gzip.decompress(path.read_bytes())
    place = data.index(b"spec: 1.2.1")
    path.write_bytes(gzip.compress(data[:place] + b"SPEC" + data[place + 4 :]))
    with pytest.raises(errors.UsageError, match=r"bin/runc has the SHA-256 .* and .* is expected"):
        verify_bundle(path, progress=QUIET)


@pytest.fixture
def small(tmp_path):
    """A bundle of one file, small enough to break it in every way."""
    source = tmp_path / "file"
    data = hashlib.sha512(b"x").digest() * 4
    source.write_bytes(data)
    file = BundledFile(path="bin/a", sha256=digest(data), size=len(data), target="/usr/local/bin/a", mode=0o755)
    bundle = Bundle(architecture="amd64", kubernetes="1.37.2", containerd="2.4.2", files=(file,))
    path = tmp_path / "small.tar.gz"
    write_bundle(path, bundle, {"bin/a": source}, progress=QUIET)
    return path


def test_a_bundle_that_was_cut_off_anywhere_is_refused(small):
    data = small.read_bytes()
    for kept in range(len(data)):
        small.write_bytes(data[:kept])
        with pytest.raises(errors.UsageError, match="is not whole"):
            verify_bundle(small, progress=QUIET)


def test_a_bundle_of_which_any_byte_changed_is_refused(small):
    data = small.read_bytes()
    accepted = 0
    # What the first ten say of the packing, such as when it was done, is no part of what is packed.
    for place in range(10, len(data)):
        small.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        if is_same(small, data):
            accepted += 1
            continue
        with pytest.raises(errors.UsageError, match="is not whole"):
            verify_bundle(small, progress=QUIET)
    assert accepted < len(data) / 10


def is_same(path, data):
    """Whether a file packs the same in another way, which some bits of it only say."""
    try:
        return gzip.decompress(path.read_bytes()) == gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return False


def test_files_that_the_manifest_does_not_name_or_that_are_not_there_are_found(tmp_path):
    source = tmp_path / "file"
    source.write_text("x")
    named = BundledFile(path="bin/a", sha256=digest(b"x"), size=1, target="/usr/local/bin/a", mode=0o755)
    bundle = Bundle(architecture="amd64", kubernetes="1.37.2", containerd="2.4.2", files=(named,))
    path = tmp_path / "b.tar.gz"
    write_bundle(path, bundle, {"bin/a": source}, progress=QUIET)
    with tarfile.open(path) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}
    path.write_bytes(pack({**members, "bin/b": b"y"}))
    with pytest.raises(errors.UsageError, match="does not name: bin/b"):
        verify_bundle(path, progress=QUIET)
    del members["bin/a"]
    path.write_bytes(pack(members))
    with pytest.raises(errors.UsageError, match="it lacks bin/a"):
        verify_bundle(path, progress=QUIET)
    path.write_bytes(pack({**members, "install.tsv": b"bin/a\t/etc/shadow\t644\n"}))
    with pytest.raises(errors.UsageError, match=r"install\.tsv is not what its manifest says"):
        verify_bundle(path, progress=QUIET)


def test_what_is_no_bundle_is_refused(tmp_path):
    path = tmp_path / "b.tar.gz"
    with pytest.raises(errors.UsageError, match="cannot be read"):
        read_bundle(path)
    path.write_bytes(pack({"manifest.json": b'{"schema": "another/v9"}'}))
    with pytest.raises(errors.UsageError, match="its schema is another/v9"):
        read_bundle(path)


def test_one_that_is_killed_leaves_nothing_that_could_be_taken_for_a_bundle(tmp_path, sources):
    big = tmp_path / "runc"
    big.write_bytes(os.urandom(64 << 20))
    target = tmp_path / "out" / "b.tar.gz"
    argv = ["bundle", "create", "--out", target, "--from", sources.mirror, "--runc", big]
    with subprocess.Popen([sys.executable, "-m", "kpo_provision", *map(str, argv)], stderr=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("out/.*.partial")) and time.monotonic() < deadline:
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
    assert not target.exists()
    create_bundle(target, sources, progress=QUIET)
    assert sorted(path.name for path in target.parent.iterdir()) == ["b.tar.gz"]


def test_a_full_disk_is_an_error_that_leaves_nothing(tmp_path, sources):
    big = tmp_path / "big"
    big.write_bytes(os.urandom(256 << 10))
    target = tmp_path / "out" / "b.tar.gz"
    argv = ["bundle", "create", "--out", target, "--from", sources.mirror, "--runc", big]
    limited = ["bash", "-c", 'ulimit -f 128; exec "$@"', "bash", sys.executable, "-m", "kpo_provision"]
    run = subprocess.run([*limited, *map(str, argv)], capture_output=True, text=True, check=False)
    assert run.returncode == errors.ExitCode.CLUSTER
    assert f"the bundle {target} cannot be written" in run.stderr
    assert list(target.parent.iterdir()) == []


def test_a_place_that_is_none_is_an_error(tmp_path, sources):
    tmp_path.joinpath("file").write_text("")
    with pytest.raises(errors.LocalClusterError, match="cannot be written"):
        create_bundle(tmp_path / "file" / "b.tar.gz", sources, progress=QUIET)
