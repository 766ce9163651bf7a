"""Carries out a run: the real Terraform on what was uploaded, one folder for the plan and another for the apply."""

import io
import json
import shutil
import subprocess
import tarfile
import threading
import zipfile
from dataclasses import dataclass

_HEADER = b"Terraform v1.11.4\non linux_amd64\nInitializing plugins and modules...\n"
_BEGIN, _END = b"\x02", b"\x03"
_PLANNED = (0, 2)


class Phase:
    """A plan or an apply: its log, which grows, and the program that works for it."""

    def __init__(self):
        self.log = bytearray()
        self.is_done = False
        self._process = None
        self._lock = threading.Lock()
        self._is_stopped = False

    def run(self, argv, folder, environ):
        with self._lock:
            if self._is_stopped:
                return 1
            self._process = subprocess.Popen(
                argv,
                cwd=folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        with self._process:
            for line in self._process.stdout:
                self.log += line
        return self._process.returncode

    def begin(self):
        self.log += _BEGIN + _HEADER

    def finish(self):
        if not self.is_done:
            self.log += _END if self.log else _BEGIN + _END
            self.is_done = True

    def stop(self):
        with self._lock:
            self._is_stopped = True
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()


@dataclass
class Planned:
    documents: dict
    has_changes: bool
    saved: list


class Site:
    """Where one run is carried out."""

    def __init__(self, folder, slug, state, attributes, workspace, login):
        self._folder = folder
        self._slug = slug
        self._state = state
        self._attributes = attributes
        self._terraform = shutil.which("terraform")
        # Nothing of the laptop, and no gcloud, aws or kubectl.
        self._environ = {
            "PATH": "/usr/bin:/bin", "HOME": str(folder), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1",
            "TFC_WORKSPACE_NAME": workspace.name, **login, **workspace.environ,
        }  # fmt: skip
        self._variables = workspace.variables

    def plan(self, phase):
        """Return what was planned; None where it failed."""
        folder = self._unpack("plan", phase)
        options = ["-destroy"] if self._attributes.get("is-destroy") else []
        options += [f"-target={address}" for address in self._attributes.get("target-addrs") or ()]
        argv = [self._terraform, "plan", "-json", "-input=false", "-detailed-exitcode", "-out=tfplan", *options]
        if folder is None or (code := phase.run(argv, folder, self._environ)) not in _PLANNED:
            return None
        whole = json.loads(self._read(folder, "show", "-json", "tfplan"))
        schemas = json.loads(self._read(folder, "providers", "schema", "-json"))
        return Planned(
            documents={"json-output": json.dumps(whole), "json-output-redacted": json.dumps(_redact(whole, schemas))},
            has_changes=code != 0,
            saved=_read_zip(folder / "tfplan"),
        )

    def apply(self, phase):
        """Return whether it went well, and the state that there is now."""
        folder = self._unpack("apply", phase)
        if folder is None:
            return False, self._state
        shutil.copy(self._folder / "plan" / "tfplan", folder)
        code = phase.run([self._terraform, "apply", "-json", "-input=false", "tfplan"], folder, self._environ)
        path = folder / "terraform.tfstate"
        return code == 0, path.read_bytes() if path.exists() else self._state

    def _unpack(self, name, phase):
        phase.begin()
        folder = self._folder / name
        folder.mkdir(parents=True)
        for path, content in read_slug(self._slug).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        folder.joinpath("zz_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        if self._state:
            folder.joinpath("terraform.tfstate").write_bytes(self._state)
        given = {**self._variables, **{each["key"]: each["value"] for each in self._attributes.get("variables") or ()}}
        text = "".join(f"{name} = {value}\n" for name, value in given.items())
        folder.joinpath("zz_run.auto.tfvars").write_text(text)
        code = subprocess.run(
            [self._terraform, "init", "-input=false", "-no-color"],
            cwd=folder, env=self._environ, capture_output=True, check=False,
        )  # fmt: skip
        phase.log += code.stderr
        return None if code.returncode else folder

    def _read(self, folder, *command):
        argv = [self._terraform, *command]
        return subprocess.run(argv, cwd=folder, env=self._environ, capture_output=True, check=True).stdout


def read_slug(slug):
    """Return the files of an upload by their path."""
    if not slug:
        return {}
    with tarfile.open(fileobj=io.BytesIO(slug)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}


def write_slug(folder):
    """Return all files of a folder as an upload."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, path.relative_to(folder), recursive=False)
    return stream.getvalue()


def _read_zip(path):
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist()]


def _redact(whole, schemas):
    names = ("output_changes", "resource_changes", "resource_drift", "relevant_attributes")
    return {
        "plan_format_version": whole["format_version"],
        "provider_format_version": schemas["format_version"],
        "provider_schemas": schemas.get("provider_schemas") or {},
        **{name: whole[name] for name in names if name in whole},
    }
