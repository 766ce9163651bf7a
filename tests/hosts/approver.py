"""What a hardened cluster has somebody for: approves the serving certificates that kubelets of the site ask for."""

import base64
import contextlib
import json
import threading

from kpo_provision import errors
from kpo_provision.kube.transport import Request

_SIGNER = "kubernetes.io/kubelet-serving"
_PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


class Approver:
    """Runs beside the tests, as an administrator of the cluster."""

    def __init__(self, transport):
        self._transport = transport
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def close(self):
        self._stop.set()
        self._thread.join()

    def _work(self):
        while not self._stop.wait(0.2):
            with contextlib.suppress(errors.KpoProvisionError):
                for found in json.loads(self._send("GET", _PATH).body)["items"]:
                    if found["spec"]["signerName"] == _SIGNER and not found["status"].get("conditions"):
                        self._approve(found)

    def _approve(self, found):
        assert base64.b64decode(found["spec"]["request"]).startswith(b"-----BEGIN CERTIFICATE REQUEST")
        condition = {"type": "Approved", "status": "True", "reason": "Site", "message": "a host of the site"}
        found["status"]["conditions"] = [condition]
        self._send("PUT", f"{_PATH}/{found['metadata']['name']}/approval", body=found)

    def _send(self, method, path, body=None):
        return self._transport.send(Request(method=method, path=path, body=json.dumps(body).encode() if body else None))
