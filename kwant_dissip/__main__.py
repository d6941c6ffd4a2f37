"""``python -m kwant_dissip``: the command line."""

import sys

from .cli import main

sys.exit(main())
