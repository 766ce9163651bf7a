"""GKE's autoscaler, simply: nodes for pods that no node takes, and none for nodes that have long been empty."""

import time

from kpo_provision import quantity
from tests.fakes.gke import nodes


class Autoscaler:
    """Changes how many nodes the pools of a ``World`` have, within the limits of each."""

    def __init__(self, *, idle_s):
        self._idle_s = idle_s
        self._empty_since = {}

    def resize(self, world, there, pods, *, is_settled):
        """Look once; only pools whose nodes are all there are looked at."""
        waiting = [pod for pod in pods if _is_unschedulable(pod)]
        busy = {pod["spec"].get("nodeName") for pod in pods if nodes.holds_up(pod)}
        for path, record in world.pools.items():
            scaling = record["body"].get("autoscaling", {})
            if not scaling.get("enabled") or record["body"]["status"] == "STOPPING" or not is_settled(path):
                continue
            mine = [pod for pod in waiting if _would_take(record["body"], pod)]
            if mine:
                waiting = [pod for pod in waiting if pod not in mine]
                _grow(record, scaling, _count_needed(record["body"], mine))
            else:
                self._shrink(record, scaling, there.get(path, {}), busy)

    def _shrink(self, record, scaling, there, busy):
        now = time.monotonic()
        names = sorted(there)
        for name in names:
            self._empty_since.pop(name, None) if name in busy else self._empty_since.setdefault(name, now)
        for zone, count in record["sizes"].items():
            last = [name for name in names if name.endswith(f"-{zone[-1]}{count - 1:03d}")]
            lowest = scaling.get("minNodeCount", 0)
            total = sum(record["sizes"].values())
            idle = last and now - self._empty_since.get(last[0], now) > self._idle_s
            if idle and count > lowest and total > scaling.get("totalMinNodeCount", 0):
                record["sizes"][zone] = count - 1


def _grow(record, scaling, needed):
    sizes = record["sizes"]
    for _ in range(needed):
        zone = min(sizes, key=sizes.get)
        full = sizes[zone] >= scaling.get("maxNodeCount", 0) and not scaling.get("totalMaxNodeCount")
        if full or sum(sizes.values()) >= scaling.get("totalMaxNodeCount", float("inf")):
            return
        sizes[zone] += 1


def _count_needed(body, pods):
    room = nodes.shape_of(body).allocatable
    cpu_milli = sum(_cpu_milli(pod) for pod in pods)
    memory_ki = sum(_memory_bytes(pod) for pod in pods) // 1024
    return max(-(-cpu_milli // room.cpu_milli), -(-memory_ki // room.memory_ki), -(-len(pods) // room.pods), 1)


def _is_unschedulable(pod):
    conditions = pod["status"].get("conditions", [])
    return not pod["spec"].get("nodeName") and any(
        condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable" for condition in conditions
    )


def _would_take(body, pod):
    spec, labels = pod["spec"], nodes.render_labels(body, zone=body["locations"][0])
    room = nodes.shape_of(body).allocatable
    return (
        spec.get("nodeSelector", {}).items() <= labels.items()
        and all(_tolerates(spec.get("tolerations", []), taint) for taint in nodes.render_taints(body))
        and _cpu_milli(pod) <= room.cpu_milli
        and _memory_bytes(pod) <= room.memory_ki * 1024
    )


def _tolerates(tolerations, taint):
    return any(
        toleration.get("key") in (None, taint["key"])
        and toleration.get("effect") in (None, "", taint["effect"])
        and (toleration.get("operator") == "Exists" or toleration.get("value", "") == taint["value"])
        for toleration in tolerations
    )


def _cpu_milli(pod):
    return sum(amount.milli for amount in _requests(pod, "cpu"))


def _memory_bytes(pod):
    return sum(amount.value for amount in _requests(pod, "memory"))


def _requests(pod, resource):
    for container in pod["spec"]["containers"]:
        yield quantity.parse_quantity(container.get("resources", {}).get("requests", {}).get(resource, "0"))
