"""The gate in front of the wire: no request goes out that may change something that the target file does not list."""

from conformance.gate.admission import Admission
from conformance.gate.gate import Gate, Withheld
from conformance.gate.probes import ProbeGate
from conformance.gate.readings import Reading, readings
from conformance.gate.tokens import new_token

__all__ = ["Admission", "Gate", "ProbeGate", "Reading", "Withheld", "new_token", "readings"]
