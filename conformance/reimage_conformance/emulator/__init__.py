"""The emulator: a conforming endpoint of Reimage Role Instance, with faults and oddities."""

from reimage_conformance.emulator.emulator import Emulator
from reimage_conformance.emulator.faults import FAULTS, Fault, find_fault
from reimage_conformance.emulator.http1 import Connection
from reimage_conformance.emulator.layouts import (
    LARGE,
    LAYOUTS,
    NEIGHBOURS,
    DeploymentLayout,
    InstanceLayout,
    Layout,
    instances_of,
    role_of,
)
from reimage_conformance.emulator.manners import LIKE_THE_SERVICE, with_manners
from reimage_conformance.emulator.messages import Action, Close, Later, Pause, Reset, Send
from reimage_conformance.emulator.named import emulator_with
from reimage_conformance.emulator.needs import Need, lacking
from reimage_conformance.emulator.oddities import ODDITIES, Oddity, find_oddity, only_lenient
from reimage_conformance.emulator.server import RunningEmulator, serve, serve_until_stopped
from reimage_conformance.emulator.target import describe
from reimage_conformance.emulator.written import certificate_files, refuse_foreign

__all__ = [
    "FAULTS",
    "LARGE",
    "LAYOUTS",
    "LIKE_THE_SERVICE",
    "NEIGHBOURS",
    "ODDITIES",
    "Action",
    "Close",
    "Connection",
    "DeploymentLayout",
    "Emulator",
    "Fault",
    "InstanceLayout",
    "Later",
    "Layout",
    "Need",
    "Oddity",
    "Pause",
    "Reset",
    "RunningEmulator",
    "Send",
    "certificate_files",
    "describe",
    "emulator_with",
    "find_fault",
    "find_oddity",
    "instances_of",
    "lacking",
    "only_lenient",
    "refuse_foreign",
    "role_of",
    "serve",
    "serve_until_stopped",
    "with_manners",
]
