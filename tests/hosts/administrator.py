"""Who administers a site: applies ``examples/self-hosted.yaml`` as it fits there, as a user does."""

import json
import re
import shutil
import sys
from pathlib import Path

from tests.hosts.site import INSTALLATION

ROOT = Path(__file__).parents[2]

# Here control groups are of version 1, Kubernetes' own registry is out of reach, and kubelets have to show certificates
# of the cluster.
_AS_THIS_SITE_IS = """\
    allowCgroupV1: true
    minFreeDisk: 1024
    sandboxImage: kpo.local/pause:1
    servingCertificates: cluster
"""


class Run:
    """How a command ended."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def document(self):
        return json.loads(self.out)


class Administrator:
    """Commands are run as a user does, in the network of the site."""

    def __init__(self, site, folder):
        self.site, self.folder = site, folder
        self.spec = folder / "self-hosted.yaml"
        self.edits = []
        self.environ = {}
        for name in ("kubeconfig", "id_ed25519"):
            shutil.copy(site.folder / name, folder / name)
        self.refresh()
        self.edit()

    def refresh(self):
        """Learn the keys of all hosts that there are now, and the registry's CA and login."""
        self.site.write_access(self.folder)

    def edit(self, *edits):
        """Write the example's spec as it fits this site, changed by replacements that stay for later edits."""
        self.edits += edits
        memory_ki = re.search(r"^MemTotal: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)[1]
        text = (ROOT / "examples" / "self-hosted.yaml").read_text()
        site = (
            ("capacity: 16Gi", f"capacity: {memory_ki}Ki, storage: {self.site.storage_ki}Ki"),
            ('    version: "1.37"\n', f'    version: "1.37"\n{_AS_THIS_SITE_IS}'),
        )
        for old, new in (*site, *self.edits):
            assert old in text, old
            text = text.replace(old, new)
        self.spec.write_text(text)

    def run(self, command, *arguments):
        argv = [sys.executable, "-m", "kpo_provision", *command.split(), self.spec, *arguments]
        return Run(self.site.run(*argv, check=False, cwd=self.folder, environ=self.environ))

    def start(self, command, *arguments):
        """Start a command, and wait for nothing."""
        argv = [sys.executable, "-m", "kpo_provision", command, self.spec, *arguments]
        return self.site.start(*argv, cwd=self.folder)

    def succeed(self, command, *arguments, code=0):
        run = self.run(command, *arguments)
        assert run.code == code, run.out + run.err
        return run

    def apply(self, *arguments, code=0):
        return self.succeed("apply", "-o", "json", *arguments, code=code).document

    @property
    def workspace(self):
        return self.folder / ".kpo-provision" / INSTALLATION
