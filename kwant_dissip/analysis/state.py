"""What is asked of a state before anything is said of it; `results` is above this room."""

from typing import Any


def check_state(subject: str, state: Any) -> None:
    """Raise TypeError unless something is a state of the lattice or of the kinetic theory.

    Parameters
    ----------
    subject : str
        Beginning of the sentence: "state must be".
    state : SteadyState or KineticState
    """
    if not hasattr(state, "reservoir_temperature"):
        raise TypeError(f"{subject} a SteadyState or a KineticState, got {type(state).__name__}.")
