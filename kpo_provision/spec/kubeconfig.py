"""What a spec may say about a cluster that exists already."""

from __future__ import annotations

from kpo_provision.spec.fields import ContextName, FilePath, MinorVersion
from kpo_provision.spec.part import SpecModel


class KubeconfigTarget(SpecModel):
    """Any cluster that a kubeconfig context reaches."""

    context: ContextName | None = None
    """Context to use; the kubeconfig's current one when absent."""
    path: FilePath | None = None
    """Path of the kubeconfig; `$KUBECONFIG`, then `~/.kube/config`, when absent."""
    version: MinorVersion = "1.36"
    """Kubernetes minor version of the cluster, quoted. From 1.36 on the API server places KPO pods (by a
    MutatingAdmissionPolicy), before that a pod template does."""
