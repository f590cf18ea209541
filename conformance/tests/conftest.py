"""Settings of the suite's own tests: examples have no deadline, for machines differ."""

from hypothesis import settings

settings.register_profile("own-tests", deadline=None)
settings.load_profile("own-tests")
