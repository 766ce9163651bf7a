"""The kinds of single values that a spec is made of, each with its rule and its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from kpo_provision import quantity
from kpo_provision.spec import values


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A kind of text. ``judge`` may refuse first, where better words can be found than ``problem``."""

    pattern: str
    problem: str
    max_length: int
    judge: Callable[[str], None] | None = None
    examples: tuple[str, ...] = ()

    def check(self, value: str) -> str:
        """Return ``value`` if it is of this kind."""
        if len(value) > self.max_length:
            raise values.refused(f"has {len(value)} characters, and may have {self.max_length} at most")
        if self.judge:
            self.judge(value)
        if not re.fullmatch(self.pattern, value):
            raise values.refused(self.problem, allowed=f"for example {self.examples[0]}" if self.examples else "")
        return value

    def __get_pydantic_core_schema__(self, source: type[str], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema: JsonSchemaValue = {"type": "string", "pattern": f"^{self.pattern}$", "maxLength": self.max_length}
        return {**schema, "examples": list(self.examples)} if self.examples else schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A kind of quantity that is more than zero, unless zero means something: text, or a plain number."""

    check: Callable[[object], quantity.Quantity]
    examples: tuple[str, ...]
    or_zero: bool = False

    def __get_pydantic_core_schema__(self, _: type[quantity.Quantity], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.check, serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "type": ["string", "number"],
            "pattern": f"^{quantity.PATTERN}$",
            "minimum" if self.or_zero else "exclusiveMinimum": 0,
            "examples": list(self.examples),
        }


@dataclass(frozen=True, slots=True)
class HowManyOrNames:
    """A number of things, or their names."""

    most: int

    def check(self, value: object) -> int | tuple[str, ...]:
        """Return the number or the names."""
        return values.check_number_or_names(value, most=self.most)

    def __get_pydantic_core_schema__(self, source: object, _: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        names: JsonSchemaValue = {"type": "string", "pattern": f"^{values.LABEL}$"}
        bounds: JsonSchemaValue = {"minimum": 1, "maximum": self.most, "minItems": 1, "maxItems": self.most}
        return {"type": ["integer", "array"], "items": names, "uniqueItems": True, **bounds}


CpuQuantity = Annotated[quantity.Quantity, Amount(check=values.check_cpu, examples=("3500m", "2"))]
MemoryQuantity = Annotated[quantity.Quantity, Amount(check=values.check_memory, examples=("384Mi", "13Gi"))]
CpuOrZero = Annotated[quantity.Quantity, Amount(check=values.check_cpu_or_zero, examples=("500m",), or_zero=True)]
MemoryOrZero = Annotated[
    quantity.Quantity, Amount(check=values.check_memory_or_zero, examples=("300Mi",), or_zero=True)
]
MachineMemory = Annotated[quantity.Quantity, Amount(check=values.check_machine_memory, examples=("16Gi",))]
DiskSize = Annotated[quantity.Quantity, Amount(check=values.check_disk, examples=("100Gi",))]
Price = Annotated[quantity.Quantity, Amount(check=values.check_price, examples=("0.19",))]
Zones = Annotated[int | tuple[str, ...], HowManyOrNames(9)]
MachineName = Annotated[
    str,
    Text(
        pattern=r"[A-Za-z0-9][A-Za-z0-9._-]*",
        problem="must be the name of a machine type",
        max_length=63,
        examples=("n2-highmem-16",),
    ),
]
MachineFamily = Annotated[
    str,
    Text(
        pattern=r"[A-Za-z0-9][A-Za-z0-9_]*(-[a-z0-9]+)*",
        problem="must be the name of a machine family",
        max_length=31,
        examples=("n2",),
    ),
]
PodRange = Annotated[
    str,
    Text(
        pattern=values.POD_RANGE,
        problem="must be an IPv4 address range or its prefix length",
        max_length=18,
        judge=values.check_pod_range,
        examples=("10.8.0.0/14", "/14"),
    ),
]
KubernetesVersion = Annotated[
    str,
    Text(
        pattern=r"v?1\.[0-9]{1,2}(\.[0-9]{1,3})?([-+][A-Za-z0-9.+-]+)?",
        problem="must be a version of Kubernetes",
        max_length=63,
        examples=("1.34", "1.34.9-gke.1065000"),
    ),
]
DnsLabel = Annotated[
    str,
    Text(
        pattern=values.LABEL,
        problem="must be a DNS-1123 label: lower-case letters, digits and '-'",
        max_length=63,
        judge=values.check_label,
    ),
]
AccountName = Annotated[
    str,
    Text(
        pattern=rf"{values.LABEL}(\.{values.LABEL})*",
        problem="must be the name of a service account: lower-case letters, digits, '-' and '.'",
        max_length=253,
    ),
]
HostPort = Annotated[
    str,
    Text(
        pattern=values.HOST,
        problem="must be a lower-case host, with a port where it is not 443",
        max_length=253,
        judge=values.check_host_port,
        examples=("registry.acme.io", "10.0.0.7:5000"),
    ),
]
ImagePath = Annotated[
    str,
    Text(
        pattern=values.REPOSITORY + values.TAG_OR_DIGEST,
        problem="must be repository:tag or repository@sha256:digest",
        max_length=512,
        judge=values.check_image_path,
        examples=("kpo/probe:1",),
    ),
]
ImageRef = Annotated[
    str,
    Text(
        pattern=f"({values.HOST}/)?{values.REPOSITORY}{values.TAG_OR_DIGEST}",
        problem="must be an image with a tag or digest",
        max_length=768,
        judge=values.check_image,
        examples=("docker.io/library/busybox:1.37",),
    ),
]
Cidr = Annotated[
    str,
    Text(
        pattern=values.CIDR,
        problem="must be an address range",
        max_length=64,
        judge=values.check_cidr,
        examples=("10.20.0.0/16", "fd00:20::/32"),
    ),
]
MinorVersion = Annotated[
    str,
    Text(
        pattern=values.MINOR_VERSION,
        problem="must be a minor version of Kubernetes",
        max_length=32,
        judge=values.check_minor_version,
        examples=("1.36",),
    ),
]
FilePath = Annotated[str, Text(pattern=r"[^\x00]+", problem="must be the path of a file", max_length=4096)]
ContextName = Annotated[str, Text(pattern=r".+", problem="must be the name of a kubeconfig context", max_length=512)]
VariableName = Annotated[
    str,
    Text(
        pattern=r"[A-Za-z_][A-Za-z0-9_]*",
        problem="must be the name of an environment variable, never the secret itself",
        max_length=256,
        examples=("REGISTRY_PASSWORD",),
    ),
]
Username = Annotated[
    str, Text(pattern=r"[^:\x00-\x1f]+", problem="must be a user name, which holds no ':'", max_length=256)
]
LabelKey = Annotated[
    str,
    Text(
        pattern=rf"({values.LABEL}(\.{values.LABEL})*/)?{values.QUALIFIED_NAME}",
        problem="must be the key of a Kubernetes label",
        max_length=317,
        examples=("node.kubernetes.io/instance-type",),
    ),
]
LabelValue = Annotated[
    str,
    Text(
        pattern=rf"({values.QUALIFIED_NAME})?",
        problem="must be the value of a Kubernetes label: letters, digits, '-', '_' and '.'",
        max_length=63,
    ),
]
ProgramName = Annotated[
    str,
    Text(
        pattern=r"[^\x00\s]+",
        problem="must be the name or the path of a program",
        max_length=4096,
        examples=("tofu", "/opt/terraform-1.12/terraform"),
    ),
]
HostAddress = Annotated[
    str,
    Text(
        pattern=r"[a-z0-9]([a-z0-9.:-]*[a-z0-9])?",
        problem="must be an address, or a lower-case host name",
        max_length=253,
        examples=("10.0.4.11", "node-1.acme.internal"),
    ),
]
IpAddress = Annotated[
    str,
    Text(
        pattern=r"[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:]+:[0-9a-f:]*",
        problem="must be an IP address",
        max_length=45,
        judge=values.check_ip,
        examples=("10.0.4.11",),
    ),
]
UnixUser = Annotated[
    str,
    Text(
        pattern=r"[a-z_][a-z0-9_.-]*",
        problem="must be the name of a user",
        max_length=32,
        examples=("ops",),
    ),
]
HttpUrl = Annotated[
    str,
    Text(
        pattern=r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?",
        problem="must be an http or https URL without a login in it",
        max_length=512,
        examples=("https://mirror.acme.io",),
    ),
]
