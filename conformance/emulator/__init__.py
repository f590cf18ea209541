"""The emulator: a conforming endpoint of Reimage Role Instance, with faults and oddities."""

from conformance.emulator.emulator import Emulator
from conformance.emulator.faults import FAULTS, Fault, find_fault
from conformance.emulator.http1 import Connection
from conformance.emulator.messages import Action, Close, Later, Pause, Reset, Send
from conformance.emulator.oddities import ODDITIES, Oddity, find_oddity
from conformance.emulator.server import RunningEmulator, serve, serve_until_stopped
from conformance.emulator.target import describe

__all__ = [
    "FAULTS",
    "ODDITIES",
    "Action",
    "Close",
    "Connection",
    "Emulator",
    "Fault",
    "Later",
    "Oddity",
    "Pause",
    "Reset",
    "RunningEmulator",
    "Send",
    "describe",
    "find_fault",
    "find_oddity",
    "serve",
    "serve_until_stopped",
]
