"""Replay: a journal judged again, and every report made from it; reaches no endpoint and runs no case."""

from conformance.replay.assessing import assessed
from conformance.replay.regenerate import regenerate, report_on

__all__ = ["assessed", "regenerate", "report_on"]
