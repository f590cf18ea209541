"""The pytest plugin: options, fixtures, markers and hooks; it connects the other packages."""

from reimage_conformance.pytest_plugin.collecting import pytest_collection_modifyitems, pytest_xdist_make_scheduler
from reimage_conformance.pytest_plugin.configuring import (
    pytest_addoption,
    pytest_cmdline_main,
    pytest_configure,
    pytest_configure_node,
)
from reimage_conformance.pytest_plugin.hooks import (
    pytest_pyfunc_call,
    pytest_report_header,
    pytest_report_teststatus,
    pytest_runtest_makereport,
    pytest_runtest_protocol,
    pytest_sessionfinish,
    pytest_sessionstart,
    pytest_terminal_summary,
    pytest_unconfigure,
    sut,
)

__all__ = [
    "pytest_addoption", "pytest_cmdline_main", "pytest_collection_modifyitems", "pytest_configure", "pytest_configure_node", "pytest_pyfunc_call",
    "pytest_report_header", "pytest_report_teststatus", "pytest_runtest_makereport", "pytest_runtest_protocol", "pytest_sessionfinish",
    "pytest_sessionstart", "pytest_terminal_summary", "pytest_unconfigure", "pytest_xdist_make_scheduler", "sut",
]  # fmt: skip
