"""What there is in the played Terraform Cloud: workspaces, states, uploads and runs, and all that was ever received."""

import itertools
import shutil
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.terraform_cloud import worker

ORGANIZATION = "acme"
TOKEN = "user.atlasv1.laptop"
ENDED = frozenset(
    {"applied", "errored", "canceled", "discarded", "planned_and_finished"},
)
WAITING = frozenset({"planned", "planned_and_saved"})


class RefusedError(Exception):
    """A request that Terraform Cloud would refuse."""

    def __init__(self, code, detail):
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass
class Workspace:
    id: str
    name: str
    execution_mode: str = "remote"
    repository: str = ""
    """Set where it is connected to version control."""
    holder: str = ""
    """Who holds the lock."""
    states: list = field(default_factory=list)
    environ: dict = field(default_factory=dict)
    """The environment variables that its users set in it."""
    variables: dict = field(default_factory=dict)
    """The Terraform variables that they set in it, as HCL."""


@dataclass
class State:
    id: str
    attributes: dict
    run: str = ""
    content: bytes = b""
    document: bytes = b""


@dataclass
class Upload:
    id: str
    workspace: Workspace
    content: bytes = b""
    is_speculative: bool = False


@dataclass
class Run:
    id: str
    workspace: Workspace
    upload: Upload
    attributes: dict
    status: str = "pending"
    plan: worker.Phase = field(default_factory=worker.Phase)
    apply: worker.Phase = field(default_factory=worker.Phase)
    confirmed: threading.Event = field(default_factory=threading.Event)
    documents: dict = field(default_factory=dict)
    has_changes: bool = False
    saved: list = field(default_factory=list)
    """The files in the plan that Terraform saved."""
    ending: str = ""
    """How somebody ended it: canceled or discarded."""


class World:
    """Use ``lock`` around what reads or writes more than one thing."""

    def __init__(self, log_in):
        self.lock = threading.RLock()
        self.workspaces, self.states, self.uploads, self.runs = {}, {}, {}, {}
        self.received = []
        """Every body of a request, and every log: what a secret must not be in."""
        self._numbers = itertools.count(1)
        self._threads = []
        self._folder = Path(tempfile.mkdtemp(prefix="terraform-cloud-"))
        self._login = log_in(self._folder)
        """A run's own: with it, it reads the states of other workspaces."""

    def close(self):
        for run in list(self.runs.values()):
            self.end(run, "canceled")
        for thread in self._threads:
            thread.join()
        shutil.rmtree(self._folder)

    def make_workspace(self, name, **attributes):
        workspace = Workspace(id=self._name("ws"), name=name, **attributes)
        self.workspaces[name] = workspace
        return workspace

    def make_upload(self, workspace):
        upload = Upload(id=self._name("cv"), workspace=workspace)
        self.uploads[upload.id] = upload
        return upload

    def make_state(self, workspace, attributes, run=""):
        if not workspace.holder:
            raise RefusedError(409, "the workspace is not locked")
        state = State(id=self._name("sv"), attributes=attributes, run=run)
        self.states[state.id] = state
        workspace.states.append(state)
        return state

    def make_run(self, workspace, upload, attributes):
        run = Run(id=self._name("run"), workspace=workspace, upload=upload, attributes=attributes)
        self.runs[run.id] = run
        thread = threading.Thread(target=self._carry_out, args=(run,))
        self._threads.append(thread)
        thread.start()
        return run

    def push(self, workspace, folder):
        """Do what a commit does to a connected workspace: upload all of a folder, and apply it."""
        upload = self.make_upload(workspace)
        upload.content = worker.write_slug(folder)
        return self.make_run(workspace, upload, {"auto-apply": True})

    def hold(self, workspace, holder):
        with self.lock:
            if workspace.holder:
                raise RefusedError(409, f"the workspace is locked by {workspace.holder}")
            workspace.holder = holder

    def release(self, workspace):
        workspace.holder = ""

    def end(self, run, how):
        """Cancel or discard a run that has not ended."""
        with self.lock:
            if run.status in ENDED or run.ending:
                return
            run.ending = how
        run.plan.stop()
        run.apply.stop()
        run.confirmed.set()

    def find(self, secret):
        """Return where a text was received: in bodies of requests, uploads, states, plans and logs."""
        wanted = secret.encode()
        logs = [phase.log for run in self.runs.values() for phase in (run.plan, run.apply)]
        plans = [document.encode() for run in self.runs.values() for document in run.documents.values()]
        plans += [content for run in self.runs.values() for content in run.saved]
        unpacked = [
            content for upload in self.uploads.values() for content in worker.read_slug(upload.content).values()
        ]
        kinds = {"requests": self.received, "logs": logs, "plans": plans, "uploads": unpacked}
        kinds["states"] = [part for state in self.states.values() for part in (state.content, state.document)]
        return [kind for kind, contents in kinds.items() if any(wanted in bytes(content) for content in contents)]

    def _name(self, kind):
        return f"{kind}-{next(self._numbers):016d}"

    def _carry_out(self, run):
        try:
            run.status = self._go_through(run)
        finally:
            run.plan.finish()
            run.apply.finish()

    def _go_through(self, run):
        state = run.workspace.states[-1].content if run.workspace.states else b""
        site = worker.Site(self._folder / run.id, run.upload.content, state, run.attributes, run.workspace, self._login)
        run.status = "planning"
        planned = site.plan(run.plan)
        if run.ending or not planned:
            return run.ending or "errored"
        run.documents, run.has_changes, run.saved = planned.documents, planned.has_changes, planned.saved
        run.plan.finish()
        if not run.has_changes:
            return "planned_and_finished"
        if run.attributes.get("speculative"):
            return "planned_and_finished"
        if not run.attributes.get("auto-apply"):
            run.status = "planned_and_saved" if run.attributes.get("save-plan") else "planned"
            run.confirmed.wait()
            if run.ending:
                return run.ending
        return self._apply(run, site, state)

    def _apply(self, run, site, state):
        run.status = "applying"
        self.hold(run.workspace, run.id)
        try:
            has_applied, content = site.apply(run.apply)
            if content != state:
                self.make_state(run.workspace, {"serial": len(run.workspace.states)}, run.id).content = content
        finally:
            self.release(run.workspace)
        return run.ending or ("applied" if has_applied else "errored")
