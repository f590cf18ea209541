"""The assessment: a journal in, everything a run concludes out; pure, so that the same journal gives the same verdicts."""

from reimage_conformance.assessment.assess import assess

__all__ = ["assess"]
