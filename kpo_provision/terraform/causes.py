"""What makes Terraform fail, told by its words, and what to do about each.

Terraform and the Google provider have no error codes of their own, so their words are kept here: Terraform 1.11.4,
hashicorp/google 7.45.0, Google's API errors (read 2026-11-23).
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A cause told by words. ``hint`` may use the pattern's named groups; one that is not found reads ``…``."""

    pattern: re.Pattern[str]
    hint: str
    retryable: bool = False

    def explain(self, text: str) -> str | None:
        """Return the hint if the text tells this cause."""
        shape = self.pattern.search(text)
        return shape and self.hint.format_map({name: value or "…" for name, value in shape.groupdict().items()})


_ROLES = "roles/container.admin and roles/iam.serviceAccountUser hold what node pools need"


def _tell(pattern: str, hint: str, *, retryable: bool = False) -> Cause:
    return Cause(pattern=re.compile(pattern, re.IGNORECASE | re.DOTALL), hint=hint, retryable=retryable)


CAUSES = (
    _tell(
        r"not allowed for workspaces with a VCS connection",
        "runs of a workspace that is connected to version control start with a commit: name a workspace without that "
        "connection under backend.remote",
    ),
    _tell(
        r"required token could not be found",
        "log in with `terraform login`, or set TF_TOKEN_app_terraform_io (for another host its name, dots as _)",
    ),
    _tell(
        r"workspace already locked|workspace is locked",
        "wait for that run to end; if it is dead, unlock the workspace in Terraform Cloud",
        retryable=True,
    ),
    _tell(
        r"unsupported state file format: the state file uses format version|state snapshot was created by Terraform",
        "a newer Terraform wrote this state: use that version or a later one (--terraform-bin)",
    ),
    _tell(
        r"unsupported state file format|state file could not be parsed",
        "the state is damaged: bring back the last good version (terraform.tfstate.backup, or the bucket's versions)",
    ),
    _tell(
        r"acquiring the state lock.*Lock Info:\s*ID:\s*(?P<id>\S+)",
        "wait for that run to end; if it is dead, run `terraform force-unlock {id}` in the workspace's folder",
        retryable=True,
    ),
    _tell(
        r"unsupported terraform core version",
        "use a version that `required_version` allows: --terraform-bin names another binary",
    ),
    _tell(
        r"failed to query available provider packages|failed to install provider|registry service is unreachable|"
        r"could not (connect|query)[^\n]*registry",
        "the providers cannot be downloaded: allow registry.terraform.io (for OpenTofu registry.opentofu.org), "
        "or point TF_CLI_CONFIG_FILE at a mirror",
    ),
    _tell(
        r"required plugins are not installed|inconsistent dependency lock file|module not installed",
        "run the same command again: it prepares Terraform anew",
        retryable=True,
    ),
    _tell(
        r"backend configuration changed|backend initialization required|backend type changed",
        "the backend of this workspace changed: move its state with `terraform init -migrate-state` in the workspace's "
        "folder, then run again",
    ),
    _tell(
        r"saved plan is stale",
        "somebody applied in between: run the same command again",
        retryable=True,
    ),
    _tell(r"invalid value for variable", "mend what the message names in the spec"),
    _tell(r"(pre|post)condition failed", "do what the message says, then run the same command again"),
    _tell(
        r"could not find default credentials|no credentials loaded|credentials were not found|"
        r"No valid credential sources? found|unable to find credentials",
        "log in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to the path of a "
        "service account's key (the backend may need a login of its own)",
    ),
    _tell(
        r"invalid_grant|oauth2: cannot fetch token|invalid authentication credentials|googleapi: Error 401",
        "the login is expired or revoked: run `gcloud auth application-default login` again, or take a new key",
    ),
    _tell(
        r"has not been used in project|SERVICE_DISABLED|accessNotConfigured",
        "enable the API: `gcloud services enable container.googleapis.com compute.googleapis.com iam.googleapis.com`, "
        "and wait a few minutes",
    ),
    _tell(
        r"quota[^\n]*exceeded|exceeded quota|QUOTA_EXCEEDED|insufficient (regional )?quota|RESOURCE_POOL_EXHAUSTED",
        "ask for more quota in project and region (console: IAM & Admin, Quotas), or lower maxNodes or machine size",
    ),
    _tell(
        r"required \"(?P<permission>[\w.]+)\" permission",
        "whoever applies needs the permission {permission}; " + _ROLES,
    ),
    _tell(
        r"googleapi: Error 409: Already exists|alreadyExists|already exists",
        "something that this state does not know has that name: run `kpo-provision plan` again to take it over if it "
        "is ours, or give the pool another name",
    ),
    _tell(
        r"incompatible operation|operation[^\n]*(is )?currently|CLUSTER_ALREADY_HAS_OPERATION|Error 409",
        "the cluster is busy with another operation: run the same command again when that is done",
        retryable=True,
    ),
    _tell(
        r"googleapi: Error (404|403)[^\n]*\bproject\b[^\n]*(not found|does not exist|may not exist)|"
        r"project[^\n]*was not found",
        "check target.gke.project: the project's ID, not its name or number",
    ),
    _tell(
        r"googleapi: Error 403|permission[^\n]*denied|PERMISSION_DENIED|forbidden",
        "whoever applies lacks a right in the project: " + _ROLES,
    ),
    _tell(
        r"googleapi: Error 404|was not found|notFound|clusters/[\w-]+ not found",
        "check project, location and cluster under target.gke; `create: true` makes a cluster that is not there yet",
    ),
    _tell(
        r"googleapi: Error (429|500|502|503|504)|rateLimitExceeded|connection reset|unexpected EOF|i/o timeout",
        "the API is loaded or could not be reached: run the same command again",
        retryable=True,
    ),
)
"""In the order in which they are tried: the first that a text tells is the cause."""
