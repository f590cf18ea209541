"""Nothing to set up here: the plugin of reimage-conformance does the work, see conformance/plugin."""
