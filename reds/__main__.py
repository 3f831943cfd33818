"""`python -m reds`: make nested networks, step by step or all at once."""

import sys

from reds.commands import main

if __name__ == "__main__":
    sys.exit(main())
