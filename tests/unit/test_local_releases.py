import contextlib
import dataclasses
import hashlib
import http.server
import io
import tarfile
import threading
from typing import ClassVar

import pytest

from kpo_provision import errors, progress
from kpo_provision.local import releases
from kpo_provision.local.recipes import Component

PROGRAM = b"#!/bin/sh\necho thing\n"


class _Published(http.server.BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}

    def do_GET(self):
        content = self.files.get(self.path)
        self.send_response(404 if content is None else 200)
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_):
        pass


@pytest.fixture
def published():
    """A project's download page: path -> content, and its address."""
    handler = type("Handler", (_Published,), {"files": {}})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield handler.files, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def component(base: str, **changes: str) -> Component:
    plain = Component(
        name="thing",
        version="1.0",
        module="example.com/thing",
        programs={"thing": ""},
        url=base + "/v{version}/{program}-{arch}",
        checksum_url=base + "/v{version}/{program}-{arch}.sha256",
    )
    return dataclasses.replace(plain, **changes)


def archive(member: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        entry = tarfile.TarInfo(member)
        entry.size = len(PROGRAM)
        tar.addfile(entry, io.BytesIO(PROGRAM))
    return stream.getvalue()


def download(one: Component, target) -> None:
    releases.download_component(one, architecture="amd64", target=target, progress=progress.Silent())


def test_program_with_the_right_checksum_can_be_run(published, tmp_path):
    files, base = published
    files["/v1.0/thing-amd64"] = PROGRAM
    files["/v1.0/thing-amd64.sha256"] = hashlib.sha256(PROGRAM).hexdigest().encode()
    download(component(base), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]
    assert (tmp_path / "thing").read_bytes() == PROGRAM
    assert (tmp_path / "thing").stat().st_mode & 0o111


@pytest.mark.parametrize("member", ["bin/thing", "./bin/thing"])
def test_program_is_taken_out_of_its_archive(published, tmp_path, member):
    files, base = published
    packed = archive(member)
    files["/thing.tgz"] = packed
    files["/SHA256SUMS"] = f"{'0' * 64}  other.tgz\n{hashlib.sha256(packed).hexdigest()} *thing.tgz\n".encode()
    download(
        component(base, url=f"{base}/thing.tgz", checksum_url=f"{base}/SHA256SUMS", member="bin/{program}"), tmp_path
    )
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]
    assert (tmp_path / "thing").read_bytes() == PROGRAM


def test_program_with_another_checksum_is_refused(published, tmp_path):
    files, base = published
    files["/v1.0/thing-amd64"] = PROGRAM + b"curl evil"
    files["/v1.0/thing-amd64.sha256"] = hashlib.sha256(PROGRAM).hexdigest().encode()
    with pytest.raises(errors.LocalClusterError, match="not what its project published"):
        download(component(base), tmp_path)
    assert not (tmp_path / "thing").exists()


def test_release_that_is_not_there_is_an_error_that_names_it(published, tmp_path):
    _, base = published
    with pytest.raises(errors.LocalClusterError, match=r"thing-amd64 cannot be downloaded.*404"):
        download(component(base), tmp_path)


def test_checksum_of_another_file_is_not_taken():
    with pytest.raises(errors.LocalClusterError, match="does not name it"):
        releases.parse_checksum(f"{'a' * 64}  other\n", file="thing")


def test_only_hosts_that_answer_are_reachable(published):
    _, base = published
    there, away = component(base), component("http://nobody.invalid:1")
    hosts = releases.find_reachable([there, away])
    assert [releases.is_reachable(one, hosts) for one in (there, away)] == [True, False]


def test_cut_off_download_leaves_no_program(published, tmp_path):
    files, base = published
    files["/v1.0/thing-amd64"] = PROGRAM[:5]
    files["/v1.0/thing-amd64.sha256"] = hashlib.sha256(PROGRAM).hexdigest().encode()
    with contextlib.suppress(errors.LocalClusterError):
        download(component(base), tmp_path)
    assert not (tmp_path / "thing").exists()
