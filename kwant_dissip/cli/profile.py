"""What the command line solves: a model, named or in a script, under conditions that are numbers."""

import argparse
import dataclasses
import importlib.util
import inspect
import math
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import literal

if TYPE_CHECKING:
    from ..results.lattice_state import SteadyState

MODELS = ("barrier", "resonant_dot")
# Where neither a rate nor a mean free path is given.
_MEAN_FREE_PATH = 30.0
# Whole numbers that lattices know.
_LARGEST = 2 ** 63


@dataclasses.dataclass(frozen=True)
class Profile:
    """A solve of numbers, for this process or others.

    Attributes
    ----------
    model : str
        One of `MODELS`, or the path of a script.
    parameters : dict
        Of the model.
    mu, bias, drop, temperature, rate, mean_free_path, rtol : float or None
        As the command line has them.
    """

    model: str
    parameters: dict[str, Any]
    mu: float
    bias: float
    drop: float | None
    temperature: float
    rate: float | None
    mean_free_path: float | None
    rtol: float

    @classmethod
    def of(cls, options: argparse.Namespace) -> "Profile":
        """What parsed options say.

        Raises
        ------
        ValueError
            If a parameter is none, or the model is neither known nor a file.
        """
        given = {field.name: getattr(options, field.name) for field in dataclasses.fields(cls)}
        given["parameters"] = parameters(options.parameters)
        if options.model not in MODELS and not Path(options.model).is_file():
            raise ValueError(f"--model must be one of {', '.join(MODELS)} or a Python script, and {options.model!r} is "
                             "no file.")
        return cls(**given)

    def at(self, point: dict[str, float]) -> "Profile":
        """The profile with other numbers: of its own, or of its model."""
        own = {field.name for field in dataclasses.fields(self)} - {"model", "parameters"}
        changed: dict[str, Any] = {name: value for name, value in point.items() if name in own}
        if "rate" in point:
            changed.setdefault("mean_free_path", None)
        if "mean_free_path" in point:
            changed.setdefault("rate", None)
        others = {name: value for name, value in point.items() if name not in own}
        return dataclasses.replace(self, **changed, parameters=self.parameters | others)

    def __call__(self, **point: float) -> "SteadyState":
        return self.at(point).solve()

    def solve(self) -> "SteadyState":
        """The steady state, at the drop if there is one, else at the bias."""
        from ..model.reservoirs import Reservoir
        from ..runs.bias import at_voltage_drop
        from ..solve import steady_state

        build, in_wires = _model(self.model)
        syst, bath = self._system(build), self._bath(in_wires)

        def solve(bias):
            reservoirs = [Reservoir(self.mu + sign * 0.5 * bias, self.temperature) for sign in (1, -1)]
            return steady_state(syst, reservoirs, bath, rtol=self.rtol)

        return solve(self.bias) if self.drop is None else at_voltage_drop(self.drop, solve)

    def check(self, scanned: Container[str] = ()) -> None:
        """Raise unless the model can be built.

        Parameters
        ----------
        scanned : collection of str
            Parameters that ``--scan`` gave and not ``--set``.

        Raises
        ------
        ValueError
            If the model does not take its parameters, or is no system with two leads.
        """
        self._system(_model(self.model)[0], scanned)

    def _system(self, build, scanned=()):
        from .._kwant import kwant

        signature = inspect.signature(build)
        allowed = signature.parameters
        if not any(p.kind is p.VAR_KEYWORD for p in allowed.values()):
            for name in set(self.parameters) - set(allowed):
                option = "--scan" if name in scanned else "--set"
                raise ValueError(f"{option} {name}: {self.model} has no such parameter, but {', '.join(allowed)}.")
        try:
            signature.bind(**self.parameters)
        except TypeError as error:
            raise ValueError(f"--set: build of {self.model}: {error}.") from error
        syst = build(**self.parameters)
        syst = syst.finalized() if isinstance(syst, kwant.Builder) else syst
        if not isinstance(syst, kwant.system.FiniteSystem) or len(syst.leads) != 2:
            raise ValueError(f"The model must be a kwant system with two leads, got {type(syst).__name__}.")
        return syst

    def _bath(self, in_wires):
        from ..model.baths import PhononBath

        known = {name: value for name, value in self.parameters.items()
                 if name in inspect.signature(in_wires).parameters}

        def inside(site):
            return in_wires(site, **known)

        if self.rate is not None:
            return PhononBath(self.temperature, rate=_InWires(self.rate, 0.0, inside))
        path = _MEAN_FREE_PATH if self.mean_free_path is None else self.mean_free_path
        return PhononBath(self.temperature, mean_free_path=_InWires(path, math.inf, inside))


@dataclasses.dataclass(frozen=True)
class _InWires:
    """A value in the wires, another elsewhere, which errors show as it was given."""

    value: float
    elsewhere: float
    inside: Callable

    def __call__(self, site):
        return self.value if self.inside(site) else self.elsewhere

    def __repr__(self):
        return f"{self.value:g} in the wires"


def parameters(assignments: Iterable[str]) -> dict[str, Any]:
    """Names and values of ``NAME=VALUE``."""
    result = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"--set takes NAME=VALUE, got {assignment!r}.")
        try:
            result[name] = literal(text)
        except ValueError:
            result[name] = text
        if isinstance(result[name], int) and not abs(result[name]) < _LARGEST:
            raise ValueError(f"--set {name}: whole numbers must be below 2^63, got {text[:80]}.")
    return result


def _model(name):
    """The builder function of a model, and the function that tells which sites are coupled."""
    if name in MODELS:
        from ..systems import chain

        return getattr(chain, name), chain.in_wires
    spec = importlib.util.spec_from_file_location(Path(name).stem, name)
    if spec is None or spec.loader is None:
        raise ValueError(f"--model: {name!r} is not a Python script (its name must end in .py).")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    if not callable(getattr(script, "build", None)):
        raise ValueError(f"--model: {name} does not define build(**parameters).")
    return script.build, getattr(script, "in_wires", lambda site: True)
