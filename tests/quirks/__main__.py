"""`python -m tests.quirks [ID ...]`: see `switch_off`."""

from __future__ import annotations

import sys

from tests.quirks.switch_off import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
