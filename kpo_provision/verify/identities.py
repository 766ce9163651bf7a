"""Who asks: whoever runs ``verify``, or a tenant's own service account with a token of its own and nothing else."""

from __future__ import annotations

import threading

from kpo_provision import plan
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
                token = self.admin.request_token(account, self._tenant.namespace, seconds=_TOKEN_LIFE_S)
                self._signed_in[account] = type(self.admin)(self.admin.connection.as_bearer(token))
            return self._signed_in[account]
