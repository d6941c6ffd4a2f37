"""Speed, always as a ratio to a named alternative measured in the same run: ``make benchmark``."""
