"""What the API says of each thing, as far as the Terraform binary reads it."""

from tests.fakes.terraform_cloud.world import ENDED, ORGANIZATION, WAITING


def describe_workspace(workspace):
    return {
        "id": workspace.id,
        "type": "workspaces",
        "attributes": {
            "name": workspace.name,
            "execution-mode": workspace.execution_mode,
            "operations": workspace.execution_mode == "remote",
            "terraform-version": "1.11.4",
            "structured-run-output-enabled": True,
            "locked": bool(workspace.holder),
            "working-directory": "",
            "auto-apply": False,
            "vcs-repo": {"identifier": workspace.repository} if workspace.repository else None,
            "permissions": dict.fromkeys(
                ("can-queue-run", "can-update", "can-queue-apply", "can-lock", "can-unlock"), True
            ),
        },
        "relationships": {"organization": {"data": {"id": ORGANIZATION, "type": "organizations"}}},
    }


def describe_state(state, url):
    address = f"{url}/blobs/{state.id}"
    attributes = {
        **state.attributes,
        "status": "finalized" if state.content else "pending",
        "created-at": "2026-11-26T00:00:00Z",
        "hosted-state-download-url": f"{address}/state",
        "hosted-state-upload-url": f"{address}/state",
        "hosted-json-state-upload-url": f"{address}/document",
    }
    return {"id": state.id, "type": "state-versions", "attributes": attributes}


def describe_upload(upload, url):
    status = "uploaded" if upload.content else "pending"
    attributes = {"status": status, "upload-url": f"{url}/blobs/{upload.id}/slug"}
    return {"id": upload.id, "type": "configuration-versions", "attributes": attributes}


def describe_run(run):
    kinds = {"plan": "plans", "apply": "applies"}
    related = {name: {"data": {"id": f"{name}-{run.id}", "type": kind}} for name, kind in kinds.items()}
    related["workspace"] = {"data": {"id": run.workspace.id, "type": "workspaces"}}
    return {
        "id": run.id,
        "type": "runs",
        "attributes": {
            "status": run.status,
            "has-changes": run.has_changes,
            "is-destroy": bool(run.attributes.get("is-destroy")),
            "save-plan": bool(run.attributes.get("save-plan")),
            "auto-apply": bool(run.attributes.get("auto-apply")),
            "created-at": "2026-11-26T00:00:00Z",
            "actions": {
                "is-cancelable": run.status not in ENDED,
                "is-confirmable": run.status in WAITING,
                "is-discardable": run.status in WAITING,
            },
            "permissions": {"can-apply": True, "can-cancel": True, "can-discard": True},
        },
        "relationships": related,
    }


def describe_phase(run, name, url):
    phase = getattr(run, name)
    if not phase.is_done:
        status = "running" if phase.log else "pending"
    elif run.ending or run.status == "canceled":
        status = "canceled" if not (name == "plan" and run.documents) else "finished"
    else:
        has_failed = run.status == "errored" and not (name == "plan" and run.documents)
        status = "errored" if has_failed else "finished"
    return {
        "id": f"{name}-{run.id}",
        "type": "plans" if name == "plan" else "applies",
        "attributes": {
            "status": status,
            "has-changes": run.has_changes,
            "log-read-url": f"{url}/blobs/{run.id}/{name}",
        },
    }
