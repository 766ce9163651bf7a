"""Makes the cluster's own container images from programs of this machine, without a builder, the same bytes each time.

An image here is one uncompressed layer. The archive is an OCI layout, as ``ctr images import`` takes it; the private
registry gets the same blobs over its HTTP API.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kpo_provision.local import machine
from kpo_provision.local.private_files import write_private

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"

PAUSE_IMAGE = "kpo.local/pause:1"
DNS_IMAGE = "kpo.local/coredns:1"
_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n"
_GROUP = b"root:x:0:\nnogroup:x:65534:\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A complete image: its manifest, and the blobs that the manifest names."""

    name: str
    manifest: bytes
    blobs: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return _digest(self.manifest)


def make_image(name: str, *, layer: bytes, command: Sequence[str]) -> Image:
    """Make an image of one layer that runs ``command`` when it is told nothing else."""
    config = _render(
        {
            "architecture": machine.read_architecture(),
            "os": "linux",
            "config": {"Cmd": list(command), "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    )
    manifest = _render(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _describe(config, _CONFIG_TYPE),
            "layers": [_describe(layer, _LAYER_TYPE)],
        }
    )
    return Image(name=name, manifest=manifest, blobs={_digest(config): config, _digest(layer): layer})


def make_shell_layer(busybox: Path, *, bash: Path | None = None) -> bytes:
    """Put busybox, its applets and a bash into a layer."""
    files = {"bin/busybox": busybox.read_bytes()}
    applets = subprocess.run([str(busybox), "--list"], capture_output=True, text=True, check=True).stdout.split()
    links = {f"bin/{applet}": "busybox" for applet in applets if applet not in ("bash", "busybox")}
    if bash is not None:
        files["bin/bash"] = bash.read_bytes()
    return make_layer(files, links=links)


def make_layer(programs: Mapping[str, bytes], *, links: Mapping[str, str] | None = None) -> bytes:
    """Pack programs, links and the few files that any program expects into a tar, the same bytes for the same input."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for directory, mode in (("bin", 0o755), ("etc", 0o755), ("root", 0o700), ("tmp", 0o1777), ("usr", 0o755)):
            _add(tar, directory, mode=mode, kind=tarfile.DIRTYPE)
        _add(tar, "usr/bin", mode=0o777, kind=tarfile.SYMTYPE, link="../bin")
        _add(tar, "etc/passwd", mode=0o644, content=_PASSWD)
        _add(tar, "etc/group", mode=0o644, content=_GROUP)
        for path, content in sorted(programs.items()):
            _add(tar, path, mode=0o755, content=content)
        for path, target in sorted((links or {}).items()):
            _add(tar, path, mode=0o777, kind=tarfile.SYMTYPE, link=target)
    return stream.getvalue()


def write_archive(image: Image, path: Path) -> None:
    """Write ``image`` as an OCI layout."""
    index = _render(
        {
            "schemaVersion": 2,
            "manifests": [
                {
                    **_describe(image.manifest, MANIFEST_TYPE),
                    "annotations": {"io.containerd.image.name": image.name},
                }
            ],
        }
    )
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, "oci-layout", mode=0o644, content=_render({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", mode=0o644, content=index)
        for digest, blob in sorted({**image.blobs, image.digest: image.manifest}.items()):
            _add(tar, f"blobs/sha256/{digest.removeprefix('sha256:')}", mode=0o644, content=blob)
    write_private(path, stream.getvalue())


def _add(
    tar: tarfile.TarFile, path: str, *, mode: int, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> None:
    entry = tarfile.TarInfo(path)
    entry.mode, entry.type, entry.linkname, entry.size = mode, kind, link, len(content)
    tar.addfile(entry, io.BytesIO(content))


def _describe(blob: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _render(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
