"""Captures: traffic that somebody else recorded, read, narrowed to one endpoint and judged; opens no connection."""

from reimage_conformance.capture.command import check_capture

__all__ = ["check_capture"]
