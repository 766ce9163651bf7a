"""Downloads a component from where its project publishes it, and lets nothing through that fails its checksum."""

from __future__ import annotations

import hashlib
import re
import socket
import tarfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from kpo_provision import errors
from kpo_provision.local.recipes import Component
from kpo_provision.progress import Progress, Step

_PROBE_S = 1.5
_READ_S = 30
_CHUNK_BYTES = 1 << 20


def find_reachable(components: Iterable[Component]) -> frozenset[str]:
    """Ask all hosts of ``components`` at once whether they answer, and give up on the rest within two seconds."""
    places = {_place(component.url) for component in components if component.url}
    reachable: set[str] = set()

    def probe(host: str, port: int) -> None:
        try:
            socket.create_connection((host, port), timeout=_PROBE_S).close()
        except OSError:
            return
        reachable.add(host)

    # A resolver may take much longer than any time-out that can be given to it: such a thread is left behind.
    threads = [threading.Thread(target=probe, args=place, daemon=True) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_PROBE_S)
    return frozenset(reachable)


def is_reachable(component: Component, hosts: frozenset[str]) -> bool:
    """Whether the host that publishes ``component`` is among ``hosts``."""
    return _place(component.url)[0] in hosts


def download_component(component: Component, *, architecture: str, target: Path, progress: Progress) -> None:
    """Put all programs of ``component`` into the empty folder ``target``."""
    with progress.step(f"Download {component.name} {component.version}") as step:
        archives: dict[str, Path] = {}
        for program in component.programs:
            values = {"version": component.version, "arch": architecture, "program": program}
            url = component.url.format(**values)
            if url not in archives:
                archives[url] = target / f".download-{len(archives)}"
                _download(url, component.checksum_url.format(**values), archives[url], step)
            if component.member:
                _extract(archives[url], component.member.format(**values), target / program)
            else:
                archives.pop(url).rename(target / program)
            (target / program).chmod(0o755)
        for archive in archives.values():
            archive.unlink()


def parse_checksum(text: str, *, file: str) -> str:
    """Find the SHA-256 of ``file`` in a checksum file: the digest alone, or lines of digest and name."""
    for line in text.splitlines():
        digest, _, name = line.partition(" ")
        if re.fullmatch(r"[0-9a-f]{64}", digest) and name.strip().lstrip("*") in ("", file):
            return digest
    raise errors.LocalClusterError(
        f"the checksum file of {file} does not name it", hint="the release changed its form: build from source instead"
    )


def _download(url: str, checksum_url: str, target: Path, step: Step) -> None:
    file = url.rpartition("/")[2]
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(checksum_url, timeout=_READ_S) as answer:  # noqa: S310  recipes name https alone
            wanted = parse_checksum(answer.read().decode("ascii", "replace"), file=file)
        with urllib.request.urlopen(url, timeout=_READ_S) as answer, target.open("wb") as sink:  # noqa: S310
            done_bytes = 0
            while chunk := answer.read(_CHUNK_BYTES):
                digest.update(chunk)
                sink.write(chunk)
                done_bytes += len(chunk)
                step.say(f"{file}: {done_bytes >> 20} MiB")
    except (OSError, urllib.error.URLError) as e:
        raise errors.LocalClusterError(
            f"{url} cannot be downloaded: {errors.clip(str(e))}",
            hint="check the network and free space, then run again",
        ) from e
    if digest.hexdigest() != wanted:
        raise errors.LocalClusterError(
            f"{url} is not what its project published: its SHA-256 is {digest.hexdigest()}, not {wanted}",
            hint="something between here and there changes downloads; nothing of it was kept",
        )


def _extract(archive: Path, member: str, target: Path) -> None:
    try:
        with tarfile.open(archive) as tar:
            for name in (member, f"./{member}"):
                if name in tar.getnames() and (source := tar.extractfile(name)) is not None:
                    with source, target.open("wb") as sink:
                        while chunk := source.read(_CHUNK_BYTES):
                            sink.write(chunk)
                    return
    except tarfile.TarError as e:
        raise errors.LocalClusterError(f"{archive.name} is no archive: {e}", hint="run it again") from e
    raise errors.LocalClusterError(f"the release has no {member}", hint="build from source instead")


def _place(url: str) -> tuple[str, int]:
    parts = urllib.parse.urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
