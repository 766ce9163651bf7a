"""Ephemeral storage of a node, from the size of its disk to what pods may ask for.

What an image's own partitions and the file system take of a GKE boot disk: ``config/os-reserved.yaml`` of
GoogleCloudPlatform/cluster-autoscaler at 7d25050 (2026-08-21), nodes from 1.27 on; between its rows linear, as there.
EKS: five observed nodes, 20 to 100 GiB. Elsewhere an ext4 root, estimated on the small side.
"""

from __future__ import annotations

import struct

from kpo_provision.sizing import version
from kpo_provision.sizing.node import NodeImage, NodeRequest, Platform, Reason
from kpo_provision.sizing.platforms.rule import GIB

SSD_GIB = 375
COS_GREW_MINOR, COS_GREW_BYTES = 20, 36540 * 1024
"""What COS takes more of a 100 GB disk since about 1.20 (observed)."""

_COS_BYTES = ((0, 0), (15, 4731506688), (100, 6170308608), (1000, 21279993856), (10000, 172290314240))
_COS_ARM_EXTRA_BYTES = 64 * 2**20
_UBUNTU_BYTES = ((0, 0), (15, 1623126016), (100, 4486086656), (1000, 34748268544), (10000, 337341259776))
_UBUNTU_UNTIL_1_31_BYTES = ((0, 0), (15, 690483200), (100, 3508879360), (1000, 33299202048), (10000, 331173605376))
_COS_SSD_KI = {
    1: 7289472,
    2: 13725224,
    3: 20031312,
    4: 26332924,
    5: 32634536,
    6: 38946604,
    7: 45254008,
    8: 51556096,
    16: 52837800,
    24: 78686620,
}
_AL2_BYTES = 12308 * 1024
_AL2023_BYTES = 77844 * 1024
_EXT4_PERCENT = 4
_EXT4_BASE_BYTES = 256 * 2**20
_UBUNTU_SSD_KI = {
    1: 7219840,
    2: 13651496,
    3: 19953488,
    4: 26255100,
    5: 32556712,
    6: 38860588,
    7: 45163896,
    8: 51465984,
    16: 52747688,
    24: 78601704,
}


def decide_capacity(request: NodeRequest) -> tuple[int, Reason]:
    """Decide what ephemeral storage the kubelet will report, in bytes, and say how."""
    if request.ephemeral_capacity_ki is not None:
        return request.ephemeral_capacity_ki * 1024, _reason("ephemeral capacity as observed")
    if request.platform is Platform.GKE:
        return _predict_gke(request)
    disk_bytes = request.disk_gib * GIB
    if request.platform is Platform.EKS:
        hidden_bytes = _AL2_BYTES if request.image is NodeImage.AL2 else _AL2023_BYTES
        return disk_bytes - hidden_bytes, _reason(f"a {request.disk_gib} GiB disk with XFS")
    hidden_bytes = disk_bytes * _EXT4_PERCENT // 100 + _EXT4_BASE_BYTES
    return disk_bytes - hidden_bytes, _reason(f"a {request.disk_gib} GiB disk with ext4, estimated")


def eviction_bytes(capacity_bytes: int, percent: int) -> int:
    """Ephemeral storage below which the kubelet evicts.

    The kubelet holds the percentage as float32 and multiplies in float64 (pkg/kubelet/eviction, v1.36; nine observed
    nodes agree to the byte).
    """
    (share,) = struct.unpack("<f", struct.pack("<f", percent / 100))
    return int(capacity_bytes * share)


def estimate_hidden_bytes(disk_bytes: int, *, is_ubuntu: bool) -> int:
    """Estimate what an image takes of a boot disk where nobody measured it.

    As ``gce_reserved.go`` of kubernetes/autoscaler has it at 55c37cd (2026-08-22), in whole numbers.
    """
    spare_bytes = min(100 * 2**20, -(-disk_bytes // 1000))
    if is_ubuntu:
        return -(-disk_bytes * 3083 // 100_000) - (-171 * GIB // 1000) + spare_bytes
    return -(-disk_bytes * 15_635 // 1_000_000) - (-4148 * GIB // 1000) + spare_bytes


def _predict_gke(request: NodeRequest) -> tuple[int, Reason]:
    is_ubuntu = request.image is NodeImage.UBUNTU
    if request.local_ssds:
        hidden_ki = _find_ssd_ki(request.local_ssds, _UBUNTU_SSD_KI if is_ubuntu else _COS_SSD_KI)
        capacity_bytes = request.local_ssds * SSD_GIB * GIB - hidden_ki * 1024
        return capacity_bytes, _reason(f"{request.local_ssds} local SSDs of {SSD_GIB} GiB")
    is_arm = request.machine.architecture == "arm64"
    if is_ubuntu and is_arm:
        hidden_bytes = estimate_hidden_bytes(request.disk_gib * GIB, is_ubuntu=True)
    else:
        hidden_bytes = _hide(request.disk_gib, _choose_table(request.version, is_ubuntu=is_ubuntu))
    if is_arm and not is_ubuntu:
        hidden_bytes += _COS_ARM_EXTRA_BYTES
    if version.is_before(request.version, COS_GREW_MINOR) and not is_ubuntu:
        hidden_bytes -= COS_GREW_BYTES
    text = f"a {request.disk_gib} GiB boot disk, of which the image takes {hidden_bytes} bytes"
    return request.disk_gib * GIB - hidden_bytes, _reason(text)


def _choose_table(node_version: str | None, *, is_ubuntu: bool) -> tuple[tuple[int, int], ...]:
    if not is_ubuntu:
        return _COS_BYTES
    return _UBUNTU_UNTIL_1_31_BYTES if version.is_before(node_version, 32) else _UBUNTU_BYTES


def _hide(disk_gib: int, table: tuple[tuple[int, int], ...]) -> int:
    upper = next((row for row in range(1, len(table)) if table[row][0] >= disk_gib), len(table) - 1)
    (low_gib, low_bytes), (high_gib, high_bytes) = table[upper - 1], table[upper]
    return low_bytes + (high_bytes - low_bytes) * (disk_gib - low_gib) // (high_gib - low_gib)


def _find_ssd_ki(local_ssds: int, table: dict[int, int]) -> int:
    return table[min((count for count in table if count >= local_ssds), default=max(table))]


def _reason(text: str) -> Reason:
    return Reason(step="allocatableEphemeralBytes", text=text)
