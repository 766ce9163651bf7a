"""What becomes of containerd's configuration: whose it is, whether ours can be merged, and which of two ours is."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "modules" / "self-hosted-node-pool" / "scripts" / "containerd.sh"

# `want` says where to, and what; `die` says why, and what next.
HEAD = """\
set -euo pipefail
BUNDLE_CONTAINERD=
want() { printf '%s %s %s' "$1" "$2" "$(cat)"; }
die() { printf 'die|%s|%s' "$1" "$2"; exit 0; }
containerd() { printf 'containerd github.com/containerd/containerd %s 1234567\\n' "$VERSION"; }
"""
GOOD = """\
version = 3
imports = ["/opt/site.toml", "/etc/containerd/conf.d/*.toml"]
[plugins."io.containerd.cri.v1.images".registry]
# registry.mirrors were here
config_path = "/etc/containerd/certs.d"
"""
OLD_MIRRORS = '[plugins."io.containerd.cri.v1.images".registry.{}."acme.io"]\n'


class Containerd:
    """A containerd with a configuration that a test chooses."""

    def __init__(self, folder):
        self.config = folder / "config.toml"
        text = SCRIPT.read_text().replace("=/etc/containerd/config.toml\n", f"={self.config}\n")
        assert str(self.config) in text
        self.head = HEAD + text

    def run(self, command, *arguments, version="v2.1.4"):
        argv = ["bash", "-c", f'VERSION={version}\n{self.head}\n{command} "$@"', "bash", *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done

    def holds(self, command, *arguments):
        return self.run(command, *arguments).returncode == 0

    def explain(self, text, *, version="2.1.4"):
        self.config.write_text(text)
        said = self.run("explain_unmergeable", version).stdout.replace(str(self.config), "CONFIG")
        return said.split("\t") if said else []

    def choose(self, version="v2.1.4"):
        return self.run("choose_containerd_config", "OLD", "NEW", version=version).stdout


@pytest.fixture
def containerd(tmp_path):
    return Containerd(tmp_path)


@pytest.mark.parametrize("text", [None, "", "# Managed by kpo-provision\nversion = 3\n"])
def test_a_configuration_that_nobody_else_wrote_is_ours(containerd, text):
    if text is not None:
        containerd.config.write_text(text)
    assert containerd.holds("is_config_ours")


def test_any_other_is_somebody_elses(containerd):
    containerd.config.write_text(GOOD)
    assert not containerd.holds("is_config_ours")


def test_into_a_good_one_ours_is_merged(containerd):
    assert containerd.explain(GOOD) == []


@pytest.mark.parametrize("version", ["1.6.36", "1.7.30"])
def test_before_version_2_nothing_can_be_merged(containerd, version):
    why, what_next = containerd.explain(GOOD, version=version)
    assert why == f"containerd {version} has a configuration of its own, CONFIG, and merges no other into it"
    assert "update containerd to 2.0" in what_next


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        (GOOD.replace("version = 3", "version = 2"), 2),
        (GOOD.replace("version = 3", "version=2"), 2),
        (GOOD.replace("version = 3\n", ""), 1),
    ],
)
def test_an_older_schema_is_refused(containerd, text, schema):
    why, what_next = containerd.explain(text)
    assert why == f"CONFIG is of version {schema}, and what is merged into it has to be of version 3"
    assert what_next == "run: containerd config migrate"


@pytest.mark.parametrize("form", ["mirrors", "configs", "auths"])
def test_registries_in_the_old_form_are_refused_whatever_the_schema(containerd, form):
    for text in (GOOD, GOOD.replace("version = 3", "version = 2")):
        why, what_next = containerd.explain(text + OLD_MIRRORS.format(form))
        assert "has registry mirrors in the old form" in why
        assert what_next == "move them to /etc/containerd/certs.d"


@pytest.mark.parametrize(
    "imports", ["", 'imports = ["/opt/site.toml"]\n', '# imports = ["/etc/containerd/conf.d/*.toml"]\n']
)
def test_one_that_does_not_import_ours_is_refused(containerd, imports):
    why, what_next = containerd.explain(f"version = 3\n{imports}")
    assert "CONFIG does not import /etc/containerd/conf.d/*.toml" in why
    assert what_next == 'add: imports = ["/etc/containerd/conf.d/*.toml"]'


@pytest.mark.parametrize(
    ("version", "content"),
    [("v1.7.30", "OLD"), ("1.6.36~ds1", "OLD"), ("v2.0.0", "NEW"), ("v2.0.0-rc.1", "NEW"), ("v10.1.0", "NEW")],
)
def test_what_is_ours_is_written_as_that_version_reads_it(containerd, version, content):
    assert containerd.choose(version) == f"{containerd.config} 0644 {content}"


def test_beside_somebody_elses_there_is_a_drop_in(containerd):
    containerd.config.write_text(GOOD)
    assert containerd.choose() == "/etc/containerd/conf.d/50-kpo-provision.toml 0644 NEW"
    assert containerd.config.read_text() == GOOD


def test_where_nothing_can_be_merged_it_ends_with_why_and_what_next(containerd):
    containerd.config.write_text("version = 2\n")
    assert containerd.choose().split("|") == [
        "die",
        f"{containerd.config} is of version 2, and what is merged into it has to be of version 3",
        "run: containerd config migrate",
    ]


@pytest.mark.parametrize(
    ("said", "version"),
    [("v1.7.30", "1.7.30"), ("1.7.24~ds1-6+b4", "1.7.24"), ("v2.0.0-rc.1", "2.0.0"), ("v2.1.4+acme", "2.1.4")],
)
def test_a_version_is_told_without_what_a_distribution_adds(containerd, said, version):
    assert containerd.run("containerd_version", version=said).stdout == version


@pytest.mark.parametrize(
    ("wanted", "found", "is_enough"),
    [
        ("2.0", "2.0", True),
        ("2.0", "2.0.0", True),
        ("2.0", "10.0.1", True),
        ("1.6.36", "1.6.4", False),
        ("2.0", "1.7.30", False),
        ("5.10", "5.9.16", False),
        ("5.10", "6.1.0-21-amd64", True),
    ],
)
def test_versions_are_compared_by_their_numbers(containerd, wanted, found, is_enough):
    assert containerd.holds("is_at_least", wanted, found) is is_enough
