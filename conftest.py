"""Loads the plugin of the suite, so that `pytest cases --target FILE` is the run that `reimage-conformance run FILE` makes.

Where pytest is told to load no plugin by itself, the others that a run needs are named as well.
"""

import os

_OTHERS = ("_hypothesis_pytestplugin", "pytest_metadata.plugin", "pytest_html.plugin")

pytest_plugins = (
    *(_OTHERS if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") else ()),
    "reimage_conformance.pytest_plugin",
)
