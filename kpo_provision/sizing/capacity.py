"""Predicts the memory that the kubelet will see of a machine's nominal memory.

GKE publishes what its images hide, so a GKE node is known to a fraction of a percent. Nobody publishes it for the rest:
there the figure is the least that was seen, so that what is planned fits.
"""

from __future__ import annotations

from dataclasses import dataclass

from kpo_provision.catalog import os_reserved
from kpo_provision.catalog.machine import Cloud
from kpo_provision.sizing.node import NodeImage, NodeRequest, Platform

_KI_PER_MIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenShare:
    """The most memory seen hidden: up to a share of small machines, a base and a smaller share of large ones.

    Shares are in tenths of a percent.
    """

    small_permille: int
    base_mib: int
    large_permille: int
    least_mib: int
    arm_mib: int
    basis: str

    def hide_ki(self, nominal_mib: int, *, is_arm: bool) -> int:
        """Return the KiB of ``nominal_mib`` to count as hidden."""
        nominal_ki = nominal_mib * _KI_PER_MIB
        arm_ki = self.arm_mib * _KI_PER_MIB if is_arm else 0
        small_ki = -(-(nominal_ki - arm_ki) * self.small_permille // 1000)
        large_ki = self.base_mib * _KI_PER_MIB - (-nominal_ki * self.large_permille // 1000)
        return arm_ki + max(min(small_ki, large_ki), self.least_mib * _KI_PER_MIB)


EC2 = HiddenShare(
    small_permille=75,
    base_mib=512,
    large_permille=33,
    least_mib=112,
    arm_mib=64,
    basis="the most that 27 EC2 nodes of 1 to 512 GiB hid (7.5 %, or 512 MiB + 3.3 %, at least 112 MiB)",
)
"""Nodes of 2018 to 2026: 10.5 % of a t3.micro, 6.7 % of an m6i.large, 6.2 % of 16 GiB, 3.7 % of 32, 3.3 % of 128, 2.7 %
of 512. Graviton keeps 64 MiB for itself (aws/karpenter-provider-aws ``types.go`` at 1d92708, whose flat 7.5 % wastes up
to 5 % of a large machine)."""

AZURE = HiddenShare(
    small_permille=75,
    base_mib=192,
    large_permille=22,
    least_mib=112,
    arm_mib=64,
    basis="the most that AKS nodes of 7 to 64 GiB hid (192 MiB + 2.2 %)",
)
"""Nodes of 2021 to 2023: 3.3 % of 7 GiB, 1.9 % of 64 GiB."""

_LEAST_SEEN_KI = {
    "t3.micro": 938840,
    "t3.medium": 3926444,
    "t4g.small": 1895736,
    "t4g.medium": 3932504,
    "t4g.xlarge": 16152844,
    "m5.large": 7822901,
    "m5.xlarge": 15896988,
    "m6i.large": 7824344,
    "c7i-flex.2xlarge": 16080312,
    "r5.xlarge": 32385793,
    "r5.2xlarge": 65022722,
    "r5.4xlarge": 130391998,
    "r5.16xlarge": 522580389,
    "r7i.xlarge": 32312393,
    "r7i.4xlarge": 129797980,
    "g4dn.xlarge": 16067854,
    "g4dn.2xlarge": 32385793,
    "Standard_DS2_v2": 7098320,
    "Standard_E8s_v3": 65856339,
    "Standard_E8s_v5": 65842708,
}
"""The least capacity that a node of the machine type was seen with (field reports, karpenter's tests, 2i2c's fleet at
9ad7cd0, read 2026-08-21). One m5.xlarge differs from another by 1 %, with the kernel."""


def predict_memory_ki(request: NodeRequest) -> tuple[int, str]:
    """Predict the memory capacity of a node, and say by what."""
    machine = request.machine
    nominal_ki = machine.memory_mib * _KI_PER_MIB
    if request.platform is Platform.GKE:
        hidden_ki, basis = os_reserved.hidden_memory_ki(
            version=request.version,
            image=(request.image or NodeImage.COS).value,
            architecture=machine.architecture,
            memory_mib=machine.memory_mib,
            confidential=request.confidential,
        )
        return nominal_ki - hidden_ki, f"kernel and image hide {hidden_ki:,} KiB of {nominal_ki:,}: {basis}"
    seen_ki = _LEAST_SEEN_KI.get(machine.name)
    if seen_ki is not None and nominal_ki // 2 < seen_ki < nominal_ki:
        return seen_ki, f"the least that nodes of this machine type were seen with, of {nominal_ki:,} KiB"
    share = AZURE if request.platform is Platform.AKS or machine.cloud is Cloud.AZURE else EC2
    hidden_ki = share.hide_ki(machine.memory_mib, is_arm=machine.architecture == "arm64")
    return nominal_ki - hidden_ki, f"firmware and kernel hide about {hidden_ki:,} KiB of {nominal_ki:,}: {share.basis}"
