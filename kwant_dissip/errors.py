"""Errors that users may want to catch."""


class ConvergenceError(RuntimeError):
    """A solution or an integral did not reach the requested accuracy; the message says what was reached."""
