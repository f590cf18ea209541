"""The gate in front of the wire: keeps back every request that may change something the target file does not list."""

from reimage_conformance.gate.admission import Ruling
from reimage_conformance.gate.gate import Gate, Withheld
from reimage_conformance.gate.probes import ProbeGate
from reimage_conformance.gate.readings import Reading, readings
from reimage_conformance.gate.tokens import new_token

__all__ = ["Gate", "ProbeGate", "Reading", "Ruling", "Withheld", "new_token", "readings"]
