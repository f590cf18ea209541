"""Replay: a journal judged again, every report made from it, and its findings compared with a later run; reaches no endpoint and runs no case."""

from reimage_conformance.replay.assessing import assessed
from reimage_conformance.replay.regenerate import regenerate, report_on

__all__ = ["assessed", "regenerate", "report_on"]
