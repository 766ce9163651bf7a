"""Terraform Cloud, played: its API as the Terraform binary calls it, with runs that the real binary carries out.

What is simulated is the service: queue, locks, states, permissions. A plan or an apply in it is a real one, made from
what was uploaded, in a folder and an environment of its own.
"""

from tests.fakes.terraform_cloud.laptop import make_environment
from tests.fakes.terraform_cloud.server import Simulator

__all__ = ["Simulator", "make_environment"]
