"""`python -m reimage_conformance` is the command `reimage-conformance`."""

import sys

from reimage_conformance.cli import main

if __name__ == "__main__":
    sys.exit(main())
