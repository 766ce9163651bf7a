"""Machine types, reservations and prices, with their sources. Facts alone: what follows from them is ``sizing``."""

from kpo_provision.catalog.listing import Catalog, Source, UnknownMachineError, load_catalog
from kpo_provision.catalog.machine import Cloud, EniLimits, MachineType

__all__ = ["Catalog", "Cloud", "EniLimits", "MachineType", "Source", "UnknownMachineError", "load_catalog"]
