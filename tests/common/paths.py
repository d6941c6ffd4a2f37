"""Where the clone is, and what lies beside this file: solved cases, files of an earlier version."""

from pathlib import Path

COMMON = Path(__file__).parent
CLONE = COMMON.parents[1]
