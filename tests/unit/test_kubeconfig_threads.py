"""Threads of one command read one kubeconfig at the same time, and each gets whole certificates."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kpo_provision.kube import kubeconfig

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nof threads\n-----END CERTIFICATE-----\n"


def write_kubeconfig(folder):
    path = folder / "config"
    data = base64.b64encode(CERTIFICATE.encode()).decode()
    user = {"client-certificate-data": data, "client-key-data": data}
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "one",
                "clusters": [{"name": "one", "cluster": {"server": "https://127.0.0.1:1"}}],
                "users": [{"name": "one", "user": user}],
                "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
            }
        )
    )
    return path


def test_no_thread_is_handed_a_certificate_that_another_has_yet_to_write(tmp_path, monkeypatch):
    path = write_kubeconfig(tmp_path)
    # What the client does between naming a file and filling it takes a while here.
    monkeypatch.setattr("kubernetes.config.kube_config._temp_files", SlowToFill())

    def load(_):
        login = kubeconfig.load_login(path, None)
        return Path(login.cert_file).read_text()

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(load, range(4))) == {CERTIFICATE}


class SlowToFill(dict):
    def __setitem__(self, key, name):
        super().__setitem__(key, name)
        time.sleep(0.05)
