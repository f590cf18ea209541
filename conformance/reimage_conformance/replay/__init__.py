"""Judges a journal again, makes every report from it, and compares its findings with a later run; it sends nothing and runs no case."""

from reimage_conformance.replay.assessing import assessed
from reimage_conformance.replay.regenerate import regenerate, report_on

__all__ = ["assessed", "regenerate", "report_on"]
