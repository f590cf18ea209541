"""Nothing to set up here: the plugin of reimage-conformance does the work, see conformance/plugin.

Where pytest is told to load no plugin by itself, those that a run needs are named, so that `pytest cases --target FILE`
stays the same run.
"""

import os

if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
    pytest_plugins = ("_hypothesis_pytestplugin", "pytest_metadata.plugin", "pytest_html.plugin", "conformance.plugin")
