"""The file that a bundle is: a packed tar, the same bytes for the same contents, with the manifest first."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from kpo_provision import errors
from kpo_provision.airgap.contents import (
    INSTALL_TABLE,
    MANIFEST,
    Bundle,
    BundledFile,
    MalformedError,
    parse_manifest,
    render_install_table,
    render_manifest,
)
from kpo_provision.progress import Progress, Step

_CHUNK_BYTES = 1 << 20
_LEVEL = 6
_MAKE_ANOTHER = "make it anew with `kpo-provision bundle create`, or copy it once more"


def write_bundle(target: Path, bundle: Bundle, contents: Mapping[str, Path], *, progress: Progress) -> Bundle:
    """Write a bundle; ``contents`` says where each file of it is. It is there whole or not at all.

    Raises:
        errors.LocalClusterError: It cannot be written, or a file of it cannot be read.
    """
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with progress.step("Pack the bundle", total=len(bundle.files)) as step:
            _write(partial, bundle, contents, step)
        digest = _digest_file(partial)
        size = partial.stat().st_size
        partial.rename(target)
    except OSError as error:
        raise errors.LocalClusterError(
            f"the bundle {target} cannot be written: {error.filename or target}: {error.strerror or error}",
            hint="make room there (a bundle takes about 200 MiB), or name another file with --out",
        ) from error
    finally:
        with suppress(OSError):  # there is none, or what it is in is no folder
            partial.unlink()
    return replace(bundle, sha256=digest, size=size)


def read_bundle(path: Path) -> Bundle:
    """Read what a bundle says of itself, and the checksum of the file; what is in it is not looked at.

    Raises:
        errors.UsageError: There is no such file, or it is no bundle.
    """
    with _opened(path) as (tar, _):
        bundle = _read_manifest(tar, path)
    return replace(bundle, sha256=_digest_file(path), size=path.stat().st_size)


def verify_bundle(path: Path, *, progress: Progress) -> Bundle:
    """Read the whole of a bundle, and hold every file against its checksum.

    Raises:
        errors.UsageError: There is no such file, it is no bundle, or a file in it is missing or another.
    """
    with _opened(path) as (tar, packed):
        bundle = _read_manifest(tar, path)
        wanted = {file.path: file for file in bundle.files}
        found: set[str] = set()
        with progress.step("Verify the bundle", total=len(wanted)) as step:
            while (member := tar.next()) is not None:
                if member.name == INSTALL_TABLE:
                    _require_table(tar, member, bundle, path)
                    continue
                file = wanted.get(member.name)
                if file is None:
                    raise _broken(path, f"it has a file that its manifest does not name: {member.name}")
                _require_content(tar, member, file, path)
                found.add(member.name)
                step.advance()
            # A tar ends before its file does, and what the file ends with is the checksum of all that it packs.
            while packed.read(_CHUNK_BYTES):
                pass
    missing = sorted(set(wanted) - found)
    if missing:
        raise _broken(path, f"it lacks {', '.join(missing[:3])}")
    return replace(bundle, sha256=_digest_file(path), size=path.stat().st_size)


def _write(partial: Path, bundle: Bundle, contents: Mapping[str, Path], step: Step) -> None:
    with (
        partial.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, text in ((MANIFEST, render_manifest(bundle)), (INSTALL_TABLE, render_install_table(bundle.files))):
            data = text.encode()
            tar.addfile(_entry(name, len(data), 0o644), io.BytesIO(data))
        for file in bundle.files:
            step.say(file.path)
            with contents[file.path].open("rb") as source:
                tar.addfile(_entry(file.path, file.size, file.mode), source)
            step.advance()
        tar.close()
        packed.close()
        os.fsync(raw.fileno())


def _entry(name: str, size: int, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    return entry


@contextmanager
def _opened(path: Path) -> Iterator[tuple[tarfile.TarFile, gzip.GzipFile]]:
    # tarfile unpacks by itself too, and then holds nothing against the checksum at the end.
    try:
        with gzip.open(path) as packed, tarfile.open(fileobj=packed, mode="r|") as tar:
            yield tar, packed
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _broken(path, f"it is cut off, damaged or no bundle at all ({error})") from error
    except OSError as error:
        raise errors.UsageError(
            f"the bundle {path} cannot be read: {error.strerror or error}",
            hint="name the file that `bundle create` wrote",
        ) from error


def _read_manifest(tar: tarfile.TarFile, path: Path) -> Bundle:
    member = tar.next()
    if member is None or member.name != MANIFEST:
        raise _broken(path, "it does not begin with a manifest")
    try:
        return parse_manifest(_open_member(tar, member, path).read().decode("utf-8", "replace"))
    except MalformedError as error:
        raise _broken(path, str(error)) from error


def _require_table(tar: tarfile.TarFile, member: tarfile.TarInfo, bundle: Bundle, path: Path) -> None:
    if _open_member(tar, member, path).read().decode("utf-8", "replace") != render_install_table(bundle.files):
        raise _broken(path, f"{INSTALL_TABLE} is not what its manifest says")


def _require_content(tar: tarfile.TarFile, member: tarfile.TarInfo, file: BundledFile, path: Path) -> None:
    digest = hashlib.sha256()
    source = _open_member(tar, member, path)
    while chunk := source.read(_CHUNK_BYTES):
        digest.update(chunk)
    if digest.hexdigest() != file.sha256:
        raise _broken(path, f"{file.path} has the SHA-256 {digest.hexdigest()}, and {file.sha256} is expected")


def _open_member(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> IO[bytes]:
    source = tar.extractfile(member) if member.isfile() else None
    if source is None:
        raise _broken(path, f"{member.name} is no file")
    return source


def _digest_file(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _broken(path: Path, problem: str) -> errors.UsageError:
    return errors.UsageError(f"the bundle {path} is not whole: {problem}", hint=_MAKE_ANOTHER)
