"""What a host does with a bundle, in bash below a temporary folder, with systemd and ctr played by functions."""

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "modules" / "self-hosted-node-pool" / "scripts"
HEAD = """\
set -euo pipefail
umask 077
readonly ROOT={root} NODE=node-1 CONTAINERD_SOCKET=/run/no/containerd.sock BUNDLE_SHA256={sha256}
readonly STATE=$ROOT/state
readonly INSTALLED=$STATE/installed
RUN=$(mktemp -d)
trap 'rm -rf "$RUN"' EXIT
PATH=$ROOT/usr/local/bin:/usr/bin:/bin
say() {{ :; }}
die() {{ printf '%s|%s' "$1" "$2"; exit 0; }}
shorten() {{ tr '\\n' ' '; }}
is_there() {{ [ -e "$1" ] || [ -L "$1" ]; }}
unmount_below() {{ :; }}
pkill() {{ :; }}
systemctl() {{ [ "$1" != cat ] || [ -e "$ROOT/etc/systemd/system/$2" ]; }}
"""
PLACES = ("/usr/local/bin/containerd", "/opt/cni/bin/", " /opt/containerd", " /var/lib/containerd", " /run/containerd")
"""Where the scripts look for what is theirs, on any host."""
FILES = {
    "bin/containerd": ("usr/local/bin/containerd", "755"),
    "bin/kubelet": ("usr/local/bin/kubelet", "755"),
    "cni/ptp": ("opt/cni/bin/ptp", "755"),
    "units/kubelet.service": ("etc/systemd/system/kubelet.service", "644"),
    "units/kubelet.service.d/10-kubeadm.conf": ("etc/systemd/system/kubelet.service.d/10-kubeadm.conf", "644"),
    "images/tasks.tar": ("-", "644"),
}


class Host:
    """A host whose root is a folder."""

    def __init__(self, root):
        self.root = root
        self.bundle = root.parent / "bundle"
        for folder in ("usr/local/bin", "etc/systemd/system", "var/lib", "run", "opt"):
            (root / folder).mkdir(parents=True)

    def send(self):
        """Put a bundle there, and return its checksum."""
        table = "".join(
            f"{path}\t{target if target == '-' else self.root / target}\t{mode}\n"
            for path, (target, mode) in FILES.items()
        )
        with tarfile.open(self.bundle, "w:gz") as tar:
            for path, text in {"install.tsv": table, **{path: f"bundled {path}\n" for path in FILES}}.items():
                entry = tarfile.TarInfo(path)
                entry.size = len(text)
                tar.addfile(entry, io.BytesIO(text.encode()))
        return hashlib.sha256(self.bundle.read_bytes()).hexdigest()

    def run(self, body, sha256="none"):
        text = "".join(SCRIPTS.joinpath(f"{name}.sh").read_text() for name in ("bundle", "join", "leave"))
        for place in PLACES:
            assert place in text
            text = text.replace(place, place.replace("/", f"{self.root}/", 1))
        script = HEAD.format(root=self.root, sha256=sha256) + text + body
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def install(self):
        assert self.run(f"install_bundle {self.bundle}", self.send()) == ""

    def leave(self):
        assert self.run('remove_installed\nrm -rf "$STATE"') == ""

    def put(self, path, text="their own\n"):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o755)

    def tree(self):
        return {
            str(path.relative_to(self.root)): path.read_text() if path.is_file() else None
            for path in sorted(self.root.rglob("*"))
            if path.relative_to(self.root).parts[0] != "state"
        }


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path / "root")


def run_as_containerd(host):
    """Leave what a containerd leaves that runs."""
    for path in ("var/lib/containerd/io.containerd.content.v1/blob", "run/containerd/socket", "opt/containerd/lib/x"):
        host.put(path, "of ours\n")


def test_a_bare_host_gets_everything_and_has_nothing_of_it_left(host):
    before = host.tree()
    host.install()
    tree = host.tree()
    assert {target: tree[target] for target, _ in FILES.values() if target != "-"} == {
        target: f"bundled {path}\n" for path, (target, _) in FILES.items() if target != "-"
    }
    assert (host.root / "usr/local/bin/kubelet").stat().st_mode & 0o777 == 0o755
    assert [path.name for path in (host.root / "state/bundle/images").iterdir()] == ["tasks.tar"]
    assert not host.bundle.exists()
    run_as_containerd(host)
    host.leave()
    assert host.tree() == before


def test_what_a_host_has_of_its_own_is_not_replaced_and_stays(host):
    for path in ("usr/local/bin/kubelet", "etc/systemd/system/kubelet.service", "opt/cni/bin/ptp"):
        host.put(path)
    before = host.tree()
    host.install()
    tree = host.tree()
    assert {path: tree[path] for path in before} == before
    assert set(tree) - set(before) == {"usr/local/bin/containerd"}
    host.leave()
    assert host.tree() == before


def test_what_an_earlier_containerd_kept_stays(host):
    host.put("var/lib/containerd/theirs")
    host.put("run/containerd/theirs")
    before = host.tree()
    host.install()
    host.leave()
    assert host.tree() == before


def test_folders_that_were_there_and_empty_are_there_and_empty(host):
    (host.root / "var/lib/containerd").mkdir()
    before = host.tree()
    host.install()
    run_as_containerd(host)
    host.leave()
    assert host.tree() == before


def test_installing_again_replaces_what_came_from_a_bundle_and_is_still_undone(host):
    before = host.tree()
    host.install()
    run_as_containerd(host)
    host.put("usr/local/bin/kubelet", "bundled, an older one\n")
    host.install()
    assert host.tree()["usr/local/bin/kubelet"] == "bundled bin/kubelet\n"
    host.leave()
    assert host.tree() == before


def test_a_bundle_that_is_another_is_refused_before_anything_is_installed(host):
    before = host.tree()
    host.send()
    assert host.run(f"install_bundle {host.bundle}", "0" * 64).startswith("the bundle arrived damaged|")
    assert host.tree() == before


NAMES = ("registry.acme.io/data/a-very-long-name-of-a-repository/tasks:1", "kpo.local/pause:1")
SAYS = "".join(f"unpacking {name} (sha256:e7b987296b42)...done\\n" for name in NAMES)


@pytest.mark.parametrize(("helps", "how"), [("   --local  Run import locally", ["--local"]), ("   --digests", [])])
def test_images_are_imported_and_each_is_pinned_by_its_whole_name(host, helps, how):
    host.install()
    host.run(
        f"""
ctr() {{
  if [ "$*" = 'images import --help' ]; then echo '{helps}'; return; fi
  printf '%s\\n' "$*" >>"$ROOT/asked"
  [ "$6" != import ] || printf '{SAYS}'
}}
import_images"""
    )
    to = "--address /run/no/containerd.sock -n k8s.io images"
    archive = f"{host.root}/state/bundle/images/tasks.tar"
    assert (host.root / "asked").read_text().splitlines() == [
        " ".join([to, "import", *how, archive]),
        *(f"{to} label {name} io.cri-containerd.pinned=pinned" for name in NAMES),
    ]
    assert not (host.root / "state/bundle").exists()


@pytest.mark.parametrize(
    ("plays", "says"),
    [
        (
            "echo 'ctr: no space left on device' >&2; return 1",
            "containerd does not take the images in tasks.tar of the bundle: ctr: no space left on device |make room",
        ),
        ("echo saved", "containerd does not say which images tasks.tar of the bundle has: saved |put them"),
    ],
)
def test_an_image_that_containerd_does_not_take_ends_the_run_and_says_why(host, plays, says):
    host.install()
    said = host.run(f'ctr() {{ [ "$3" != --help ] || return 0; {plays}; }}\nimport_images')
    assert said.startswith(says)
