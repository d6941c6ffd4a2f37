"""Command line: ``kwant-dissip figure2`` and ``kwant-dissip profile``."""

import argparse
import ast
import importlib.util
import inspect
import sys
from pathlib import Path

import kwant
import numpy as np

from . import __version__
from .analysis.spots import heat_spots
from .analysis.voltage_drop import voltage_drop
from .errors import ConvergenceError
from .model.baths import PhononBath
from .model.reservoirs import Reservoir
from .runs.bias import at_voltage_drop
from .solve import steady_state
from .systems import chain

MODELS = {"barrier": chain.barrier, "resonant_dot": chain.resonant_dot}


def main(arguments=None):
    """Run the command line; what it returns is the exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ConvergenceError, MemoryError, OSError, TypeError, ValueError, kwant.UserCodeError) as error:
        print(f"kwant-dissip: {error}", file=sys.stderr)
        return 1
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="kwant-dissip", description="Where the heat goes when current flows through "
                                     "a coherent scatterer between two quantum wires.")
    parser.add_argument("--version", action="version", version=f"kwant_dissip {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    figure2 = commands.add_parser("figure2", help="heat around a resonant dot at four temperatures: picture and data")
    figure2.add_argument("--out", metavar="DIR", default="figures", help="directory to write to (default: figures)")
    figure2.add_argument("--drop", type=float, default=5e-4, help="electrochemical drop in the dot, the same at every "
                         "temperature, in units of the hopping (default: 5e-4; the Fermi energy is 0.3)")
    figure2.set_defaults(run=_run_figure2)

    profile = commands.add_parser(
        "profile", help="heat along the wires of one's own model",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Energies (k_B T too) in the model's energy unit, lengths in its lattice unit.")
    profile.add_argument("--model", default="resonant_dot", help="resonant_dot, barrier, or the path of a Python "
                         "script that defines build(**parameters), which returns a kwant system with two leads, and "
                         "if not all sites are coupled to the phonons, in_wires(site), which tells which are")
    profile.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], dest="parameters",
                         help="parameter of the model; may be repeated")
    profile.add_argument("--mu", type=float, default=-1.0, help="mean electrochemical potential")
    drive = profile.add_mutually_exclusive_group()
    drive.add_argument("--bias", type=float, default=0.06, help="mu of lead 0 less mu of lead 1")
    drive.add_argument("--drop", type=float, help="instead: the electrochemical drop in the scatterer, between the "
                       "straight parts of the wires' chemical potentials")
    profile.add_argument("--temperature", type=float, default=0.03, help="k_B T of leads and phonons")
    coupling = profile.add_mutually_exclusive_group()
    coupling.add_argument("--rate", type=float, help="relaxation rate of the electrons in the wires")
    coupling.add_argument("--mean-free-path", type=float, help="their mean free path; 30 if neither is given")
    profile.add_argument("--rtol", type=float, default=1e-6, help="relative accuracy")
    profile.add_argument("--save", metavar="FILE", help="write the result to an HDF5 file")
    profile.add_argument("--plot", metavar="FILE", help="draw power and chemical potential to a picture file")
    profile.set_defaults(run=_run_profile)
    return parser


def _run_figure2(options):
    from .figure2 import make  # matplotlib is slow to import

    for path in make(options.out, options.drop):
        print(path)


def _run_profile(options):
    for path in filter(None, (options.save, options.plot)):
        if not Path(path).absolute().parent.is_dir():
            raise ValueError(f"The directory of {path!r} does not exist.")
    parameters = _parameters(options.parameters)
    build, in_wires = _model(options.model)
    allowed = inspect.signature(build).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in allowed.values()):
        for name in set(parameters) - set(allowed):
            raise ValueError(f"--set {name}: {options.model} has no such parameter, but {', '.join(allowed)}.")
    syst = build(**parameters)
    syst = syst.finalized() if isinstance(syst, kwant.Builder) else syst
    if not isinstance(syst, kwant.system.FiniteSystem) or len(syst.leads) != 2:
        raise ValueError(f"The model must be a kwant system with two leads, got {type(syst).__name__}.")
    known = {name: value for name, value in parameters.items() if name in inspect.signature(in_wires).parameters}

    def in_wires_only(value, elsewhere):
        return lambda site: value if in_wires(site, **known) else elsewhere

    if options.rate is not None:
        bath = PhononBath(options.temperature, rate=in_wires_only(options.rate, 0.0))
    else:
        path = 30.0 if options.mean_free_path is None else options.mean_free_path
        bath = PhononBath(options.temperature, mean_free_path=in_wires_only(path, np.inf))

    def solve(bias):
        reservoirs = [Reservoir(options.mu + sign * 0.5 * bias, options.temperature) for sign in (1, -1)]
        return steady_state(syst, reservoirs, bath, rtol=options.rtol)

    state = solve(options.bias) if options.drop is None else at_voltage_drop(options.drop, solve)
    if options.save:
        state.save(options.save)
    _report(state)
    if options.plot:
        state.plot().savefig(options.plot, dpi=200)


def _parameters(assignments):
    parameters = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"--set takes NAME=VALUE, got {assignment!r}.")
        try:
            parameters[name] = ast.literal_eval(text)
        except (SyntaxError, ValueError):
            parameters[name] = text
    return parameters


def _model(name):
    """The builder function of a model, and the function that tells which sites are coupled."""
    if name in MODELS:
        return MODELS[name], chain.in_wires
    if not Path(name).is_file():
        raise ValueError(f"--model must be one of {', '.join(MODELS)} or a Python script, and {name!r} is no file.")
    spec = importlib.util.spec_from_file_location(Path(name).stem, name)
    if spec is None:
        raise ValueError(f"--model: {name!r} is not a Python script (its name must end in .py).")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    if not hasattr(script, "build"):
        raise ValueError(f"--model: {name} does not define build(**parameters).")
    return script.build, getattr(script, "in_wires", lambda site: True)


def _report(state):
    print(f"bias                   {state.reservoir_mu[0] - state.reservoir_mu[1]: .6e}")
    if state.wires == 2:
        print(f"drop in the scatterer  {voltage_drop(state): .6e}")
    print(f"current                {state.current[0]: .6e}")
    for wire in range(state.wire.max() + 1):
        print(f"power, wire {wire}          {state.power[state.wire == wire].sum(): .6e}")
    print(f"power, all             {state.power.sum(): .6e}")
    try:
        for spot in heat_spots(state):
            place = ", ".join(f"{value:g}" for value in np.atleast_1d(spot.position))
            print(f"{spot.kind} spot, wire {spot.wire}      {spot.power: .6e}   at x = {place}")
    except ValueError as error:
        print(f"no heat spots: {error}")
    print(f"relative error         {state.error: .1e}   conservation: particles {state.particle_residual:.1e}, "
          f"energy {state.energy_residual:.1e}")
