"""Makes a bundle: programs from this machine's cache or from a mirror of releases, units, and archives of images."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kpo_provision import errors
from kpo_provision.airgap.archive import write_bundle
from kpo_provision.airgap.contents import IMAGES, Bundle, BundledFile, Part, is_safe_path, place_on_host
from kpo_provision.airgap.images import read_image_names
from kpo_provision.airgap.units import UNITS
from kpo_provision.local import machine, programs, releases
from kpo_provision.local.recipes import COMPONENTS, JOIN_COMPONENTS, Component
from kpo_provision.progress import Progress

_ON_PATH = ("containerd", "containerd-shim-runc-v2", "ctr", "kubeadm", "kubectl", "kubelet", "runc")
_PLUGINS = ("host-local", "loopback", "ptp")
_KUBERNETES = ("kubernetes", "kubeadm")
_LICENCE = "Apache-2.0"
"""Of Kubernetes, containerd, the CNI plugins and runc alike (the file LICENSE of each, read 2026-11-27)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the parts of a bundle come from.

    Attributes:
        cache: Where this machine keeps the programs that it downloaded or built.
        mirror: A folder, or a URL, with releases below the names of the hosts that publish them; None for ``cache``.
        kubernetes: Version of Kubernetes without a ``v``, which the mirror has; None for the cache's own.
        runc: The program runc, which is nowhere published without a C library; None for the one on the PATH.
        images: Archives of images.
    """

    cache: Path
    mirror: str | None = None
    kubernetes: str | None = None
    runc: Path | None = None
    images: Sequence[Path] = field(default=())


def create_bundle(target: Path, sources: Sources, *, progress: Progress) -> Bundle:
    """Make a bundle for hosts like this machine, and write it to ``target``.

    Raises:
        errors.LocalClusterError: A program cannot be had, or the bundle cannot be written.
        errors.UsageError: An archive is none of images, or there is no runc.
    """
    components = [_choose(component, sources) for component in (*COMPONENTS, *JOIN_COMPONENTS)]
    versions = {component.name: component.version for component in components}
    runc = _find_runc(sources.runc)
    with tempfile.TemporaryDirectory(prefix="kpo-bundle-") as scratch:
        found = dict(_gather_programs(components, sources, Path(scratch), progress))
        units = Path(scratch) / "units"
        contents = {
            **{f"bin/{name}": found[name] for name in _ON_PATH if name != "runc"},
            "bin/runc": runc,
            **{f"cni/{name}": found[name] for name in _PLUGINS},
            **{f"units/{name}": _write_unit(units / name, text) for name, text in UNITS.items()},
            **_name_archives(sources.images),
        }
        bundle = Bundle(
            architecture=machine.read_architecture(),
            kubernetes=versions["kubernetes"],
            containerd=versions["containerd"],
            files=tuple(_describe(path, file) for path, file in sorted(contents.items())),
            parts=tuple(
                Part(name=name, version=version, licence=_LICENCE)
                for name, version in (
                    ("cni-plugins", versions["cni-plugins"]),
                    ("containerd", versions["containerd"]),
                    ("kubernetes", versions["kubernetes"]),
                    ("runc", _ask_version(runc)),
                )
            ),
        )
        return write_bundle(target, bundle, contents, progress=progress)


def _choose(component: Component, sources: Sources) -> Component:
    """Have a component come from the mirror, at the version that is asked for."""
    if sources.mirror is None:
        return component
    place = _locate(sources.mirror.rstrip("/"))
    version = sources.kubernetes if component.name in _KUBERNETES and sources.kubernetes else component.version
    return replace(
        component,
        version=version,
        url=component.url.replace("https://", f"{place}/"),
        checksum_url=component.checksum_url.replace("https://", f"{place}/"),
    )


def _locate(mirror: str) -> str:
    """Return the URL of a mirror, or of a folder; a refusal never repeats what may have a password in it."""
    if "://" not in mirror:
        return Path(mirror).expanduser().absolute().as_uri()
    try:
        parts = urllib.parse.urlsplit(mirror)
    except ValueError:
        parts = urllib.parse.urlsplit("")
    if parts.scheme not in ("http", "https", "file"):
        raise errors.UsageError("a mirror is a folder, or an http or https URL", hint="name such a one with --from")
    if "@" in parts.netloc:
        raise errors.UsageError(
            "the URL of the mirror has a login in it, which everybody on this machine could read",
            hint="copy the releases into a folder, and name that with --from",
        )
    return mirror


def _gather_programs(
    components: Sequence[Component], sources: Sources, scratch: Path, progress: Progress
) -> Iterator[tuple[str, Path]]:
    if sources.mirror is None:
        yield from programs.ensure_programs(sources.cache, progress, components=components).items()
        return
    wanted = {*_ON_PATH, *_PLUGINS}
    for component in components:
        needed = {name: package for name, package in component.programs.items() if name in wanted}
        if not needed:
            continue
        folder = scratch / component.name
        folder.mkdir()
        releases.download_component(
            replace(component, programs=needed),
            architecture=machine.read_architecture(),
            target=folder,
            progress=progress,
        )
        yield from ((name, folder / name) for name in needed)


def _find_runc(given: Path | None) -> Path:
    found = given or (Path(path) if (path := shutil.which("runc")) else None)
    if found is None or not found.is_file():
        raise errors.UsageError(
            f"there is no runc {'at ' + str(given) if given else 'on this machine'}",
            hint="install the package runc, or name the release's program with --runc",
        )
    return found


def _ask_version(runc: Path) -> str:
    """Ask runc what it is; one that does not run here says nothing."""
    try:
        said = subprocess.run([str(runc), "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return "unknown"
    found = re.search(r"^runc version (\S+)", said, re.MULTILINE)
    return found[1] if found else "unknown"


def _write_unit(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _name_archives(archives: Sequence[Path]) -> Mapping[str, Path]:
    named = {f"{IMAGES}/{path.name}": path for path in archives}
    if len(named) != len(archives):
        raise errors.UsageError("two archives of images have the same name", hint="rename one of them")
    for place, path in named.items():
        if not is_safe_path(place):
            raise errors.UsageError(
                f"the name of {path} cannot be that of a file in a bundle",
                hint="rename it: letters, digits, and ._@+- behind the first of them",
            )
    return named


def _describe(path: str, file: Path) -> BundledFile:
    try:
        with file.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
            size = source.tell()
    except OSError as error:
        raise errors.UsageError(f"{file} cannot be read: {error.strerror}", hint="name another file") from error
    kind = path.partition("/")[0]
    return BundledFile(
        path=path,
        sha256=digest,
        size=size,
        target=place_on_host(path),
        mode=0o755 if kind in ("bin", "cni") else 0o644,
        names=read_image_names(file) if kind == IMAGES else (),
    )
