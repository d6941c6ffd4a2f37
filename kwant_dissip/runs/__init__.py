"""Whatever calls a solve many times."""
