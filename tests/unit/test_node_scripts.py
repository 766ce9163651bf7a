"""What the scripts do on a host, run here in bash, below a temporary folder instead of the root."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "modules" / "self-hosted-node-pool" / "scripts"
EARLY_END = re.compile(r"(?<!\|)\|(?!\|)\s*[ef]?grep\s+(?:-\S+\s+)*(?:-[A-Za-z]*q|--quiet|--silent)")

# What host.sh would have set; each run has a folder of its own for what only it needs.
HEAD = """\
set -euo pipefail
umask 077
readonly ROOT={root} NODE=node-1
readonly STATE=$ROOT/state RECORD=$ROOT/state/files BEFORE=$ROOT/state/before
RUN=$(mktemp -d "$ROOT/run-XXXXXX")
say() {{ printf '%s: %s\\n' "$NODE" "$*"; }}
die() {{ printf '%s|%s\\n' "$1" "$2" >&2; exit 1; }}
"""


def run(head, body):
    done = subprocess.run(["bash", "-c", f"{head}\n{body}"], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


class Host:
    """A host whose root is a folder. ``wanted`` maps paths below it to content and mode."""

    def __init__(self, root):
        self.root = root
        self.record = root / "state" / "files"
        self.before = Path(f"{root}/state/before{root}")
        self.head = HEAD.format(root=root) + SCRIPTS.joinpath("files.sh").read_text()

    def put(self, wanted, *, then=""):
        """Put the wanted files in place; return what was changed."""
        wants = "".join(
            f"want \"$ROOT/{path}\" {mode} <<'END'\n{content}\nEND\n" for path, (content, mode) in wanted.items()
        )
        return self.changed(f'{wants}put_wanted\n{then}\nrm -f "$PENDING"')

    def give_back(self):
        return self.changed("give_all_back\n")

    def changed(self, text):
        said = run(self.head, f"{text}\nprintf '%s' \"$CHANGED\"")
        return [str(Path(path).relative_to(self.root)) for path in said.split()]

    def tree(self):
        """All that is there but for the scripts' own: modes, and what is in the files."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            place = path.relative_to(self.root)
            if not place.parts[0].startswith(("run-", "state")):
                mode = oct(path.lstat().st_mode & 0o7777)
                found[str(place)] = (mode, path.read_bytes() if path.is_file() else None)
        return found


@pytest.fixture
def host(tmp_path):
    """A host with a few files of its administrator's, and an empty folder."""
    host = Host(tmp_path / "root")
    etc = host.root / "etc"
    etc.joinpath("empty.d").mkdir(parents=True)
    etc.joinpath("theirs.toml").write_bytes(b"\x00theirs\xff\nwithout an end")
    etc.joinpath("theirs.toml").chmod(0o640)
    etc.joinpath("other.conf").write_text("not ours to touch\n")
    return host


WANTED = {
    "etc/theirs.toml": ("ours", "0644"),
    "etc/empty.d/50-ours.conf": ("drop-in", "0644"),
    "etc/new/deep/join.yaml": ("join", "0600"),
}


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.sh")), ids=lambda script: script.name)
def test_a_script_is_one_that_bash_can_read(script):
    done = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.sh")), ids=lambda script: script.name)
def test_no_pipe_ends_in_a_grep_that_stops_listening(script):
    code = re.sub(r"^\s*#.*$", "", script.read_text(), flags=re.MULTILINE)
    assert EARLY_END.findall(code) == []


@pytest.mark.parametrize(
    ("line", "is_wrong"),
    [
        ("a | grep -q b", True),
        ("a |\n  grep -iq b", True),
        ("a | grep -E -q b", True),
        ("a | grep --quiet b", True),
        ("a || grep -q b file", False),
        ("a && grep -q b <<<c", False),
        ("a | grep b >/dev/null", False),
    ],
)
def test_such_a_grep_would_be_found(line, is_wrong):
    assert bool(EARLY_END.search(line)) is is_wrong


def test_no_two_resources_put_what_they_bring_into_one_folder_which_either_takes_away():
    module = (SCRIPTS.parent / "main.tf").read_text()
    made = re.findall(r"umask 077; rm -rf (\S+); mkdir (\S+?)[\"]", module)
    assert [removed for removed, _ in made] == [folder for _, folder in made]
    folders = [folder for _, folder in made]
    assert len({*folders}) == len(folders) == module.count("mkdir ") == 4
    assert not any("/" in folder for folder in folders)
    assert sorted(re.findall(r"trap 'tidy (\w+)' EXIT", module)) == sorted(
        folder.removeprefix(".kpo-provision-") for folder in folders
    )


def test_files_are_put_with_their_content_and_their_mode_whatever_the_umask(host):
    assert host.put(WANTED) == sorted(WANTED)
    tree = host.tree()
    for path, (content, mode) in WANTED.items():
        assert tree[path] == (oct(int(mode, 8)), f"{content}\n".encode())
    assert tree["etc/new"][0] == tree["etc/new/deep"][0] == "0o755"
    assert tree["etc/other.conf"][1] == b"not ours to touch\n"
    assert not list(host.root.rglob("*.kpo-new"))


def test_what_was_there_is_given_back_byte_for_byte(host):
    theirs = host.root / "etc" / "theirs.toml"
    os.utime(theirs, (1_700_000_000, 1_700_000_000))
    before = host.tree()
    host.put(WANTED)
    assert host.tree() != before
    assert host.give_back() == sorted(WANTED)
    assert host.tree() == before
    assert theirs.stat().st_mtime == 1_700_000_000
    assert not [path for path in host.before.rglob("*") if path.is_file()]


def test_doing_it_twice_changes_nothing(host):
    host.put(WANTED)
    record, tree = host.record.read_text(), host.tree()
    kept = {path: (host.root / path).stat().st_ino for path in WANTED}
    assert host.put(WANTED) == []
    assert (host.record.read_text(), host.tree()) == (record, tree)
    assert {path: (host.root / path).stat().st_ino for path in WANTED} == kept


def test_giving_back_twice_changes_nothing(host):
    before = host.tree()
    host.put(WANTED)
    host.give_back()
    assert host.give_back() == []
    assert host.tree() == before


def test_a_mode_that_differs_is_put_right(host):
    host.put(WANTED)
    join = host.root / "etc" / "new" / "deep" / "join.yaml"
    join.chmod(0o644)
    assert host.put(WANTED) == ["etc/new/deep/join.yaml"]
    assert oct(join.stat().st_mode & 0o777) == "0o600"


def test_new_content_replaces_ours_and_what_was_there_first_is_still_given_back(host):
    before = host.tree()
    host.put(WANTED)
    assert host.put({**WANTED, "etc/theirs.toml": ("ours, later", "0644")}) == ["etc/theirs.toml"]
    assert host.root.joinpath("etc/theirs.toml").read_text() == "ours, later\n"
    host.give_back()
    assert host.tree() == before


def test_what_is_no_longer_wanted_goes_and_what_stood_there_comes_back(host):
    before = host.tree()
    host.put(WANTED)
    kept = {"etc/empty.d/50-ours.conf": WANTED["etc/empty.d/50-ours.conf"]}
    assert sorted(host.put(kept)) == ["etc/new/deep/join.yaml", "etc/theirs.toml"]
    tree = host.tree()
    assert tree["etc/theirs.toml"] == before["etc/theirs.toml"]
    assert "etc/new/deep/join.yaml" not in tree
    assert tree["etc/empty.d/50-ours.conf"][1] == b"drop-in\n"
    assert "join.yaml" not in host.record.read_text()
    host.give_back()
    assert host.tree() == before


def test_files_whose_names_begin_alike_are_kept_apart(host):
    for name in ("x", "x.conf"):
        host.root.joinpath("etc", name).write_text(f"their {name}\n")
    before = host.tree()
    later = {"etc/x.conf": ("ours", "0644")}
    host.put(later)
    host.put({**later, "etc/x": ("ours", "0644")})
    host.give_back()
    assert host.tree() == before


def test_what_somebody_takes_away_is_put_again(host):
    host.put(WANTED)
    record = host.record.read_text()
    shutil.rmtree(host.root / "etc" / "new")
    assert host.put(WANTED) == ["etc/new/deep/join.yaml"]
    assert host.record.read_text() == record


def test_folders_that_were_made_go_and_those_that_were_there_stay_though_empty(host):
    host.put(WANTED)
    host.give_back()
    assert not host.root.joinpath("etc/new").exists()
    assert host.root.joinpath("etc/empty.d").is_dir()


def test_a_folder_of_ours_that_others_use_by_now_stays_with_what_they_put_there(host):
    host.put(WANTED)
    host.root.joinpath("etc/new/theirs").write_text("theirs\n")
    host.give_back()
    assert [path.name for path in host.root.joinpath("etc/new").iterdir()] == ["theirs"]


def test_killed_between_copy_and_record_the_copy_is_made_again(host):
    before = host.tree()
    half = host.before / "etc" / "theirs.toml"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half a co")
    host.put(WANTED)
    host.give_back()
    assert host.tree() == before


def test_killed_between_record_and_file_the_copy_is_what_was_there(host):
    before = host.tree()
    host.changed('mkdir -p "$STATE"; keep_before "$ROOT/etc/theirs.toml"')
    assert host.tree() == before
    host.put(WANTED)
    host.give_back()
    assert host.tree() == before


def test_killed_between_record_and_folder_the_folder_is_made_and_goes_again(host):
    before = host.tree()
    host.changed('mkdir -p "$STATE"; record "d $ROOT/etc/new"')
    host.put(WANTED)
    host.give_back()
    assert host.tree() == before


def test_killed_after_the_file_was_given_back_it_is_given_back_again(host):
    before = host.tree()
    host.put(WANTED)
    copy = host.before / "etc" / "theirs.toml"
    host.root.joinpath("etc/theirs.toml").write_bytes(copy.read_bytes())
    host.give_back()
    assert host.tree() == before


def test_what_was_changed_is_asked_for_by_the_beginning_of_its_path(host):
    asked = [f"{host.root}/etc/{name}" for name in ("theirs", "empty.d", "other")] + ["/etc/theirs.toml"]
    for path in asked:
        said = host.put({**WANTED, "etc/theirs.toml": (path, "0644")}, then=f"! changed {path} || CHANGED=$ROOT/yes")
        assert (said == ["yes"]) is (path == asked[0])


def test_what_a_run_changed_and_did_not_see_through_is_the_business_of_the_next(host):
    wants = "want \"$ROOT/etc/ours.conf\" 0644 <<<'ours'\n"
    assert host.changed(f"{wants}put_wanted\n") == ["etc/ours.conf"]
    assert host.changed(f"{wants}put_wanted\n") == ["etc/ours.conf"]
    assert host.changed(f'{wants}put_wanted\nrm -f "$PENDING"; CHANGED=\nput_wanted\n') == []


def test_a_link_that_leads_nowhere_is_given_back(host):
    link = host.root / "etc" / "theirs.link"
    link.symlink_to("nowhere")
    host.put({"etc/theirs.link": ("ours", "0644")})
    assert not link.is_symlink()
    host.give_back()
    assert str(link.readlink()) == "nowhere"


def test_giving_one_path_back_forgets_no_other_that_is_like_it(host):
    host.put({"etc/a.b": ("one", "0644"), "etc/a-b": ("two", "0644")})
    host.put({"etc/a-b": ("two", "0644")})
    assert "a-b" in host.record.read_text()
    host.give_back()
    assert not (host.root / "etc" / "a-b").exists()


@pytest.mark.parametrize(
    ("secrets", "held"), [('abcdef.0123\n7\n{"auths": {}}', '{"auths": {}}\n'), ("none\n7\n", None)]
)
def test_secrets_are_taken_from_their_file_which_goes_and_only_logins_come_to_a_file_of_the_kubelet(
    tmp_path, secrets, held
):
    file = tmp_path / "secrets"
    file.write_text(secrets)
    head = HEAD.format(root=tmp_path) + f"readonly KUBELET_LOGINS={tmp_path}/kubelet/config.json\n"
    head += "".join(SCRIPTS.joinpath(f"{name}.sh").read_text() for name in ("files", "converge"))
    token = run(head, f'take_secrets {file}\nwant_logins\nput_wanted\nprintf %s "$TOKEN $LOOKED_AT"')
    assert token == secrets.partition("\n")[0] + " 7"
    assert not file.exists()
    told = tmp_path / "kubelet" / "config.json"
    assert (told.read_text() if told.exists() else None) == held
    assert held is None or told.stat().st_mode & 0o777 == 0o600
    left = [path for path in tmp_path.rglob("*") if path.is_file() and b"abcdef" in path.read_bytes()]
    assert left == []


@pytest.mark.parametrize(("has_logins", "is_ours", "stays"), [(1, 1, 1), (0, 1, 0), (1, 0, 1), (0, 0, 1)])
def test_a_run_without_logins_leaves_those_that_are_there_unless_the_host_is_to_have_none(
    tmp_path, has_logins, is_ours, stays
):
    held = tmp_path / "kubelet" / "config.json"
    held.parent.mkdir()
    head = HEAD.format(root=tmp_path)
    head += f"readonly KUBELET_LOGINS={held} HAS_LOGINS={str(bool(has_logins)).lower()}\n"
    head += "".join(SCRIPTS.joinpath(f"{name}.sh").read_text() for name in ("files", "converge"))
    if is_ours:
        run(head, "LOGINS=held\nwant_logins\nput_wanted")
    else:
        held.write_text("somebody else's\n")
    run(head, "keep_logins\nput_wanted")
    assert held.exists() == bool(stays)


@pytest.mark.parametrize(("state", "held"), [("joined", "new\n"), ("fresh", "old\n")])
def test_logins_alone_are_put_on_a_member_and_nothing_else_of_it_changes(tmp_path, state, held):
    file, logins = tmp_path / "secrets", tmp_path / "kubelet" / "config.json"
    file.write_text("new")
    head = HEAD.format(root=tmp_path) + f"readonly KUBELET_LOGINS={logins}\n"
    head += "".join(SCRIPTS.joinpath(f"{name}.sh").read_text() for name in ("files", "converge"))
    run(head, f"LOGINS=old\nwant_logins\necho kept | want {tmp_path}/other 644\nput_wanted")
    head += f"membership() {{ echo {state}; }}\nhold_lock() {{ :; }}\nsay() {{ :; }}\n"
    run(head, f"give_logins {file}")
    assert (logins.read_text(), (tmp_path / "other").read_text()) == (held, "kept\n")
    assert not file.exists()


@pytest.mark.parametrize("told", ["give_logins {file}", "converge_member"])
def test_a_host_of_another_cluster_ends_what_it_is_told(tmp_path, told):
    file = tmp_path / "secrets"
    file.write_text("new")
    body = HEAD.format(root=tmp_path) + f"readonly KUBELET_LOGINS={tmp_path}/kubelet/config.json\n"
    body += "".join(SCRIPTS.joinpath(f"{name}.sh").read_text() for name in ("files", "converge"))
    body += f"membership() {{ exit 1; }}\nsay() {{ echo said; }}\n{told.format(file=file)}\necho went on\n"
    ended = subprocess.run(["bash", "-c", body], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")


@pytest.mark.parametrize(("looked_at", "is_found"), [(1000, False), (1001, False), (400, True), (0, True)])
def test_a_host_that_somebody_has_just_looked_at_is_not_looked_at_again(looked_at, is_found):
    body = (
        SCRIPTS.joinpath("preflight.sh").read_text() + "preflight() { finding host-swap fatal 'swap is on' 'swapoff'; }"
    )
    head = f"set -euo pipefail\nNODE=node-1 NOW=1000 LOOKED_AT={looked_at}\nshorten() {{ cat; }}\n{body}\n"
    done = subprocess.run(["bash", "-c", f"{head}require_preflight"], capture_output=True, text=True, check=False)
    assert (done.returncode, "host-swap" in done.stderr) == (int(is_found), is_found)
