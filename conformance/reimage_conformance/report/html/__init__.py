"""report.html: one self-contained page on pytest-html's hooks, in which everything from an endpoint is escaped."""
