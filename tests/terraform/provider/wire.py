"""Terraform's plugin protocol 5 on the wire: as many of its messages and calls as a provider of resources needs.

One line a message: its name, then its fields with their numbers; a star is a repeated field. A map is a repeated entry
with key and value, which is the same on the wire.
"""

import re

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_MESSAGES = """
DynamicValue: bytes msgpack=1, bytes json=2
Diagnostic: int64 severity=1, string summary=2, string detail=3, AttributePath attribute=4
AttributePath: *Step steps=1
Step: string attribute_name=1, string element_key_string=2, int64 element_key_int=3
RawState: bytes json=1
Schema: int64 version=1, Block block=2
Block: int64 version=1, *Attribute attributes=2, *NestedBlock block_types=3
Attribute: string name=1, bytes type=2, bool required=4, bool optional=5, bool computed=6, bool sensitive=7, \
    bool write_only=10
NestedBlock: string type_name=1, Block block=2, int64 nesting=3, int64 min_items=4, int64 max_items=5
SchemaEntry: string key=1, Schema value=2
Capabilities: bool plan_destroy=1, bool get_provider_schema_optional=2
Empty:
GetSchemaResponse: Schema provider=1, *SchemaEntry resource_schemas=2, *SchemaEntry data_source_schemas=3, \
    *Diagnostic diagnostics=4, Schema provider_meta=5, Capabilities server_capabilities=6
PrepareRequest: DynamicValue config=1
PrepareResponse: DynamicValue prepared_config=1, *Diagnostic diagnostics=2
UpgradeRequest: string type_name=1, int64 version=2, RawState raw_state=3
UpgradeResponse: DynamicValue upgraded_state=1, *Diagnostic diagnostics=2
ValidateRequest: string type_name=1, DynamicValue config=2
Diagnosed: *Diagnostic diagnostics=1
ConfigureRequest: string terraform_version=1, DynamicValue config=2
ReadRequest: string type_name=1, DynamicValue current_state=2, bytes private=3
ReadResponse: DynamicValue new_state=1, *Diagnostic diagnostics=2, bytes private=3
PlanRequest: string type_name=1, DynamicValue prior_state=2, DynamicValue proposed_new_state=3, DynamicValue config=4
PlanResponse: DynamicValue planned_state=1, *AttributePath requires_replace=2, bytes planned_private=3, \
    *Diagnostic diagnostics=4, bool legacy_type_system=5
ApplyRequest: string type_name=1, DynamicValue prior_state=2, DynamicValue planned_state=3, DynamicValue config=4
ApplyResponse: DynamicValue new_state=1, bytes private=2, *Diagnostic diagnostics=3, bool legacy_type_system=4
ImportRequest: string type_name=1, string id=2
Imported: string type_name=1, DynamicValue state=2
ImportResponse: *Imported imported_resources=1, *Diagnostic diagnostics=2
DataRequest: string type_name=1, DynamicValue config=2
DataResponse: DynamicValue state=1, *Diagnostic diagnostics=2
StopResponse: string Error=1
StdioData: int64 channel=1, bytes data=2
"""

CALLS = {
    "GetSchema": ("Empty", "GetSchemaResponse"),
    "PrepareProviderConfig": ("PrepareRequest", "PrepareResponse"),
    "ValidateResourceTypeConfig": ("ValidateRequest", "Diagnosed"),
    "ValidateDataSourceConfig": ("ValidateRequest", "Diagnosed"),
    "UpgradeResourceState": ("UpgradeRequest", "UpgradeResponse"),
    "Configure": ("ConfigureRequest", "Diagnosed"),
    "ReadResource": ("ReadRequest", "ReadResponse"),
    "PlanResourceChange": ("PlanRequest", "PlanResponse"),
    "ApplyResourceChange": ("ApplyRequest", "ApplyResponse"),
    "ImportResourceState": ("ImportRequest", "ImportResponse"),
    "ReadDataSource": ("DataRequest", "DataResponse"),
    "Stop": ("Empty", "StopResponse"),
}
"""Calls of the service tfplugin5.Provider, each with the names of its request and its response."""

_KINDS = {"string": 9, "bytes": 12, "bool": 8, "int64": 3}


def _load_messages():
    file = descriptor_pb2.FileDescriptorProto(name="kpo_standin.proto", package="standin", syntax="proto2")
    for line in _MESSAGES.replace("\\\n", "").strip().splitlines():
        name, _, fields = line.partition(":")
        message = file.message_type.add(name=name)
        for repeated, kind, field, number in re.findall(r"(\*?)(\w+) (\w+)=(\d+)", fields):
            added = message.field.add(name=field, number=int(number), label=3 if repeated else 1)
            if kind in _KINDS:
                added.type = _KINDS[kind]
            else:
                added.type, added.type_name = 11, f".standin.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        message.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"standin.{message.name}"))
        for message in file.message_type
    }


MESSAGES = _load_messages()
"""Classes of the messages, by name."""
