"""Who asks: whoever runs ``verify``, or a tenant's own service account with a token of its own and nothing else."""

from __future__ import annotations

import threading

from kpo_provision import errors, plan
from kpo_provision.kube.api import Api

_TOKEN_LIFE_S = 600
"""The shortest that the API server gives."""


class Identities:
    """The same API server as seen by each of those who ask. Signs in when first asked to."""

    def __init__(self, api: Api, tenant: plan.TenantPlan) -> None:
        self.admin = api
        self._tenant = tenant
        self._signed_in: dict[str, Api] = {}
        self._lock = threading.Lock()

    @property
    def worker(self) -> Api:
        """The tenant's Airflow worker."""
        return self._sign_in(self._tenant.worker_account)

    @property
    def triggerer(self) -> Api:
        """The tenant's Airflow triggerer."""
        return self._sign_in(self._tenant.triggerer_account)

    def close(self) -> None:
        """Close the connections of those who signed in."""
        for api in self._signed_in.values():
            api.close()

    def _sign_in(self, account: str) -> Api:
        with self._lock:
            if account not in self._signed_in:
                self._signed_in[account] = type(self.admin)(
                    self.admin.connection.as_bearer(self._request_token(account))
                )
            return self._signed_in[account]

    def _request_token(self, account: str) -> str:
        try:
            return self.admin.request_token(account, self._tenant.namespace, seconds=_TOKEN_LIFE_S)
        except errors.ApiError as error:
            if not error.is_not_found:
                raise
            hint = "run `kpo-provision apply`"
            if self._tenant.has_own_airflow:
                hint = (
                    "with baseCapacity, Airflow's own chart makes it: deploy Airflow, or name the account in the spec"
                )
            raise errors.ClusterError(
                f"there is no service account {account} in namespace {self._tenant.namespace}", hint=hint
            ) from error
