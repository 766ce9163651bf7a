"""The units that packages would bring: containerd's, the kubelet's, and kubeadm's part of the latter.

What kubeadm writes reaches the kubelet by /var/lib/kubelet/kubeadm-flags.env (Kubernetes' documentation, "Kubelet
drop-in file for systemd", read 2026-11-26).
"""

from __future__ import annotations

UNITS = {
    "containerd.service": """\
# Installed by kpo-provision from a bundle.
[Unit]
Description=containerd
After=network.target dbus.service

[Service]
Type=notify
ExecStart=/usr/local/bin/containerd
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNOFILE=1048576
TasksMax=infinity

[Install]
WantedBy=multi-user.target
""",
    "kubelet.service": """\
# Installed by kpo-provision from a bundle.
[Unit]
Description=kubelet
After=containerd.service
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/local/bin/kubelet
Restart=always
RestartSec=10

[Install]
WantedBy=multi-user.target
""",
    "kubelet.service.d/10-kubeadm.conf": """\
# Installed by kpo-provision from a bundle.
[Service]
Environment="BOOTSTRAP_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf"
Environment="KUBECONFIG_ARGS=--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=
ExecStart=/usr/local/bin/kubelet $BOOTSTRAP_ARGS $KUBECONFIG_ARGS $CONFIG_ARGS $KUBELET_KUBEADM_ARGS
""",
}
