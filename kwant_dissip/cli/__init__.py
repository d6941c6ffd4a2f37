"""Command line: ``kwant-dissip figure2``, ``profile``, ``sweep``, ``plot`` and ``image``."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from .. import __version__
from .options import CONDITIONS, file_name, number, whole
from .profile import Profile
from .worker import ignore_mumps

# kwant and matplotlib take seconds to import: what needs them imports them, --help and usage errors do not.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; what it returns is the exit code."""
    options = _parser().parse_args(arguments)
    ignore_mumps()
    try:
        return _run(options)
    except KeyboardInterrupt as error:
        text = str(error).replace("call again", "run the same command again")
        print(f"kwant-dissip: interrupted{text and ': '}{text}.", file=sys.stderr)
        return 130  # as shells have it: 128 + SIGINT


def _run(options):
    try:
        return options.run(options) or 0
    except Exception as error:
        from ..errors import heed_interrupt

        heed_interrupt(error)
        text = _in_script(error, getattr(options, "model", ""))
        if text is None and not _is_expected(error):
            raise
        print(f"kwant-dissip: {' '.join((text or str(error) or type(error).__name__).split())}", file=sys.stderr)
        return 1


def _in_script(error, script):
    """What went wrong in the user's script, and in which line of it; None if nothing did."""
    while error is not None:
        places: list[tuple[str | None, int | None, str]] = [
            (frame.f_code.co_filename, line, f" in {frame.f_code.co_name}")
            for frame, line in traceback.walk_tb(error.__traceback__)]
        if isinstance(error, SyntaxError):
            places.append((error.filename, error.lineno, ""))
        for name, line, function in reversed(places):
            if name and os.path.abspath(name) == os.path.abspath(script):
                return f"{script}, line {line}{function}: {type(error).__name__}: {error}"
        error = error.__cause__  # of kwant.UserCodeError: what the user's function raised
    return None


def _is_expected(error):
    if isinstance(error, ImportError | MemoryError | OSError | TypeError | ValueError):
        return True
    from .._kwant import kwant
    from ..errors import ConvergenceError, SweepError

    return isinstance(error, ConvergenceError | SweepError | kwant.UserCodeError)


def _parser():
    parser = argparse.ArgumentParser(prog="kwant-dissip", description="Where the heat goes when current flows through "
                                     "a coherent scatterer between two quantum wires.")
    parser.add_argument("--version", action="version", version=f"kwant_dissip {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_add_figure2, _add_profile, _add_image, _add_sweep, _add_plot):
        add(commands)
    return parser


def _add_figure2(commands):
    command = commands.add_parser("figure2", help="heat around a resonant dot at four temperatures: picture and data")
    command.add_argument("--out", type=file_name, metavar="DIR", default="figures",
                         help="directory to write to (default: figures)")
    command.add_argument("--drop", type=number("units of the hopping", above=0, below=0.6), default=5e-4,
                         help="electrochemical drop in the dot, the same at every "
                         "temperature, in units of the hopping (default: 5e-4; the Fermi energy is 0.3)")
    command.set_defaults(run=_run_figure2)


def _add_profile(commands):
    command = commands.add_parser(
        "profile", help="heat along the wires of one's own model",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Energies (k_B T too) in the model's energy unit, lengths in its lattice unit.")
    _add_conditions(command)
    command.add_argument("--save", type=file_name, metavar="FILE", help="write the result to an HDF5 file")
    command.add_argument("--plot", type=file_name, metavar="FILE",
                         help="draw power and chemical potential to a picture file")
    command.set_defaults(run=_run_profile)


def _add_image(commands):
    command = commands.add_parser(
        "image", help="what a scanning thermometer sees of a wire with a resonant defect: picture and data",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="A wire on a substrate, for both directions of the current. The numbers are those of a "
        "semiconducting carbon nanotube, 1.7 nm wide, on SiO2 at room temperature (heat: E. Pop et al., Nano Lett. 6, "
        "96 (2006); J. Appl. Phys. 101, 093710 (2007)): at any other temperature give your own.")
    command.add_argument("--out", type=file_name, metavar="DIR", default="figures", help="directory to write to")
    command.add_argument("--temperature", type=number("K", above=0), default=300.0,
                         help="of substrate, leads and electrons' bath, in K")
    command.add_argument("--fermi-energy", type=number("meV", above=0), default=100.0,
                         help="above the bottom of the band, in meV")
    command.add_argument("--resonance-width", type=number("meV", above=0), default=50.0,
                         help="full width of the defect's level, in meV")
    command.add_argument("--mean-free-path", type=number("nm", above=0), default=300.0,
                         help="of the electrons, inelastic, in nm")
    command.add_argument("--velocity", type=number("m/s", above=0),
                         help="of the electrons at the Fermi energy, in m/s; by default that of a semiconducting "
                         "nanotube 1.7 nm wide, 6.9e5 at 100 meV")
    command.add_argument("--degeneracy", type=whole(1, 1000), default=4,
                         help="alike modes: 4 for spin and valley of a nanotube, 2 for the spin alone")
    command.add_argument("--bias", type=number("mV", above=0), default=10.0, help="in mV")
    command.add_argument("--conductivity", type=number("W m/K", least=0, below=1),
                         help="thermal conductivity times cross section, in W m/K; by "
                         "default the nanotube's 6.24e-15, from 290 to 310 K")
    command.add_argument("--coupling", type=number("W/(K m)", least=0, below=1e6),
                         help="to the substrate, in W/(K m); by default the nanotube's 0.17, "
                         "from 290 to 310 K")
    command.add_argument("--tip-width", type=number("nm", above=0), default=50.0, help="what the tip resolves, in nm")
    command.add_argument("--tip-height", type=number("nm", least=0), default=0.0, help="above the wire, in nm")
    command.add_argument("--sensitivity", type=number("uK/Hz^(1/2)", above=0),
                         help="noise of the tip, in uK/Hz^(1/2); with --dwell-time")
    command.add_argument("--dwell-time", type=number("ms", above=0), help="at each point, in ms")
    command.add_argument("--seed", type=whole(0, 2 ** 63 - 1), help="of the noise")
    command.set_defaults(run=_run_image)


def _add_sweep(commands):
    command = commands.add_parser(
        "sweep", help="profiles at many points, into a folder", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Profiles on a grid of numbers. Every point that is finished is kept in the folder: run the same "
                    "command again after an interruption, or with more points, and what is missing is computed.")
    _add_conditions(command)
    command.add_argument("--scan", metavar="NAME=VALUES", action="append", required=True, help="what is varied, one of "
                         "the options here or a parameter of the model: START:STOP:COUNT, or numbers or texts with "
                         "commas between them; repeated, every combination is solved")
    command.add_argument("--workers", type=whole(1, 1024), default=1,
                         help="processes, of one thread each; with 1 all is solved "
                         "here, on all threads")
    command.add_argument("--folder", type=file_name, required=True,
                         help="where the points are kept; made if it does not exist")
    command.add_argument("--retry-failed", action="store_true", help="try points again that failed earlier")
    command.set_defaults(run=_run_sweep)


def _add_plot(commands):
    command = commands.add_parser("plot", help="a picture of a result or of a sweep",
                                  formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    command.add_argument("path", type=file_name, metavar="FILE|FOLDER",
                         help="what `profile --save`, `sweep --folder` or `to_netcdf` wrote")
    command.add_argument("--along", metavar="NAME", help="of a sweep: the parameter at the vertical axis; by default "
                         "the first of more than one value")
    command.add_argument("--at", metavar="NAME=VALUE", action="append", default=[], help="of a sweep: the value, or "
                         "the nearest, of another parameter; by default its first")
    command.add_argument("--out", type=file_name, metavar="PICTURE",
                         help="by default the name of the file or folder and .png")
    command.set_defaults(run=_run_plot)


def _add_conditions(command):
    """Options of what is solved: see `Profile`."""
    command.add_argument("--model", type=file_name, default="resonant_dot",
                         help="resonant_dot, barrier, or the path of a Python "
                         "script that defines build(**parameters), which returns a kwant system with two leads, and "
                         "if not all sites are coupled to the phonons, in_wires(site), which tells which are")
    command.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], dest="parameters",
                         help="parameter of the model; may be repeated")
    command.add_argument("--mu", type=CONDITIONS["mu"], default=-1.0, help="mean electrochemical potential")
    drive = command.add_mutually_exclusive_group()
    drive.add_argument("--bias", type=CONDITIONS["bias"], default=0.06, help="mu of lead 0 less mu of lead 1")
    drive.add_argument("--drop", type=CONDITIONS["drop"],
                       help="instead: the electrochemical drop in the scatterer, between the "
                       "straight parts of the wires' chemical potentials")
    command.add_argument("--temperature", type=CONDITIONS["temperature"], default=0.03,
                         help="k_B T of leads and phonons")
    coupling = command.add_mutually_exclusive_group()
    coupling.add_argument("--rate", type=CONDITIONS["rate"], help="relaxation rate of the electrons in the wires")
    coupling.add_argument("--mean-free-path", type=CONDITIONS["mean_free_path"],
                          help="their mean free path; 30 if neither is given")
    command.add_argument("--rtol", type=CONDITIONS["rtol"], default=1e-6, help="relative accuracy")


def _run_figure2(options):
    from ..figures.figure2 import make

    for path in make(options.out, options.drop):
        print(path)


def _run_image(options):
    from ..figures.wire_image import Wire, make, nanotube_velocity, path_limits
    from ..thermal import Thermal, Tip, nanotube_on_silica
    from ..thermal.materials import ROOM

    if options.resonance_width > 0.9 * options.fermi_energy:
        raise ValueError(f"--resonance-width must be at most 0.9 of --fermi-energy, got {options.resonance_width:g} of "
                         f"{options.fermi_energy:g} meV.")
    if (options.sensitivity is None) != (options.dwell_time is None):
        raise ValueError("--sensitivity and --dwell-time make noise together; give both, or none.")
    velocity = options.velocity or nanotube_velocity(1e-3 * options.fermi_energy)
    least, most = (1e9 * path for path in path_limits(1e-3 * options.fermi_energy, velocity))
    if not least <= options.mean_free_path <= most:
        raise ValueError(f"--mean-free-path must be from {least:.3g} nm, the electrons' wavelength at --fermi-energy "
                         f"and --velocity, to {most:.3g} nm, got {options.mean_free_path:g} nm.")
    wire = Wire(options.temperature, 1e-3 * options.fermi_energy, 1e-3 * options.resonance_width,
                1e-9 * options.mean_free_path, velocity, options.degeneracy)
    conductivity, coupling = options.conductivity, options.coupling
    if conductivity is None or coupling is None:
        if not ROOM[0] <= options.temperature <= ROOM[1]:
            raise ValueError(f"--temperature {options.temperature:g}: the nanotube's numbers were measured from "
                             f"{ROOM[0]:g} to {ROOM[1]:g} K; at any other give --conductivity and --coupling.")
        known = nanotube_on_silica(options.temperature)
        conductivity = known.conductivity if conductivity is None else conductivity
        coupling = known.coupling if coupling is None else coupling
    thermal = Thermal(conductivity=conductivity, coupling=coupling, substrate_temperature=options.temperature)
    sensitivity, dwell_time = (None if value is None else factor * value for factor, value in (
        (1e-6, options.sensitivity), (1e-3, options.dwell_time)))
    tip = Tip(1e-9 * options.tip_width, height=1e-9 * options.tip_height, sensitivity=sensitivity,
              dwell_time=dwell_time)
    files, results = make(options.out, wire, 1e-3 * options.bias, thermal, tip, name="nanotube_image",
                          seed=options.seed)
    for name, state in results["state"].items():
        field, line = results["field"][name], results["line"][name].values
        print(f"current {name:9} {state.current[0]: .4e} A   phonons receive {field.total_heat: .4e} W, leads "
              f"{field.lead_heat.sum(): .4e} W   the tip sees {line.min(): .4e} to {line.max(): .4e} K")
    for path in files:
        print(path)


def _run_profile(options):
    profile = Profile.of(options)

    from ..store.paths import check_writable

    for path in filter(None, (options.save, options.plot)):
        check_writable(path)
    if options.plot:
        from .plot import check_picture

        check_picture("--plot", options.plot)
    state = profile.solve()
    if options.save:
        state.save(options.save)
    _report(state)
    if options.plot:
        state.plot().savefig(options.plot, dpi=200)


def _run_sweep(options):
    from .sweep import run

    return run(options)


def _run_plot(options):
    from .plot import run

    run(options)


def _report(state):
    from ..analysis.spots import heat_spots
    from ..analysis.voltage_drop import voltage_drop

    print(f"bias                   {state.reservoir_mu[0] - state.reservoir_mu[1]: .6e}")
    if state.wires == 2:
        print(f"drop in the scatterer  {voltage_drop(state): .6e}")
    print(f"current                {state.current[0]: .6e}")
    for wire in range(state.wire.max() + 1):
        print(f"power, wire {wire}          {state.power[state.wire == wire].sum(): .6e}")
    print(f"power, all             {state.power.sum(): .6e}")
    try:
        for spot in heat_spots(state):
            position = spot.position if isinstance(spot.position, tuple) else (spot.position,)
            place = ", ".join(f"{value:g}" for value in position)
            print(f"{spot.kind} spot, wire {spot.wire}      {spot.power: .6e}   at x = {place}"
                  f"{', an end' if spot.is_end else ', a single site' if spot.is_single else ''}")
    except ValueError as error:
        print(f"no heat spots: {error}")
    print(f"relative error         {state.error: .1e}   conservation: particles {state.particle_residual:.1e}, "
          f"energy {state.energy_residual:.1e}")
