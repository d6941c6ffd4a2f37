"""First and second order in the bias, in the kinetic theory."""

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Literal

import numpy as np

from ..balance.expansion import expand
from ..errors import ConvergenceError
from ..model.baths import Bath, check_cold, checked_baths, equilibrium_temperature
from ..model.by_bath import ByBath, expanded_by_site
from ..model.per_site import per_site
from ..model.phonon_drive import check_phonon_drive, checked_drive
from ..model.reservoirs import check_drives_at, check_finite, checked_drives
from ..numerics.checks import check_rtol
from ..numerics.quadrature import THERMAL_WINDOW
from ..numerics.threads import thread_pool
from ..progress import reporting, stage_bar
from ..results.linear_response import LinearResponse
from .mesh import adapt
from .scatterers import KwantScatterer
from .solve import Function, lengths_of, relaxation, scatterer_of


def linear_response(transmission: Function | KwantScatterer, bath: Bath | Sequence[Bath], *, mu: float,
                    temperature: float | None = None, drive: Sequence[float | None] | None = None,
                    thermal_drive: Sequence[float] | None = None,
                    phonon_drive: Literal["leads", "graded"] | float | Callable[[float], float] | None = None,
                    velocity: Function | tuple[Function, Function] | None = None,
                    length: float | tuple[float, float], rtol: float = 1e-6) -> LinearResponse:
    """First and second order in the bias: Peltier's and Joule's part of the heat separately; thermopower.

    Parameters
    ----------
    transmission, bath, velocity, length, rtol
        As in `steady_state`.
    mu : float
        Electrochemical potential of the equilibrium.
    temperature : float, optional
        k_B T of electrons and phonons; 0 is allowed. By default that of the bath.
    drive, thermal_drive : sequences of two floats, optional
        As in the lattice theory's `linear_response`, of the left and the right reservoir.
    phonon_drive : {"leads", "graded"}, float, or function of x, optional
        Shift of the phonons' k_B T per unit of bias. "leads", the default with a `thermal_drive`: in each wire that of
        its reservoir. "graded": linear from the outer end of the left wire to that of the right one. A number (0: the
        phonons stay as they are), or a function of the position x (negative in the left wire).

    Returns
    -------
    LinearResponse

    Raises
    ------
    ValueError, ConvergenceError
        As in `steady_state`.
    """
    check_rtol(rtol)
    baths = checked_baths(bath)
    gamma = relaxation(baths)
    temperature = equilibrium_temperature(baths, temperature)
    check_cold(baths, temperature)
    check_finite("mu", mu)
    reach = THERMAL_WINDOW * temperature + 1e-9 * (1 + abs(mu))
    scatterer, lengths = scatterer_of(transmission, velocity, mu - reach, mu + reach), lengths_of(length)
    shifts, heats = checked_drives(drive, thermal_drive, 2)
    check_phonon_drive(phonon_drive, baths)
    if not (phonon_drive is None or callable(phonon_drive) or isinstance(phonon_drive, Real | str)):
        raise ValueError('phonon_drive must be "leads", "graded", a number, or in the kinetic theory a function of x, '
                         f"got {phonon_drive!r}.")
    if not heats.any() and (phonon_drive is None or isinstance(phonon_drive, str)):
        phonon_drive = 0.0
    check_drives_at(temperature, shifts, heats, phonon_drive != 0)

    def solve(make, start, map_, progress):
        warming = _warming(phonon_drive, heats, lengths, make.mesh.nodes)
        if start is not None:
            panels, profiles, lead_mus = start
            half = len(profiles) // 2
            start = panels, *(np.concatenate([*part, leads]) for part, leads in
                              zip((profiles[:half], profiles[half:]), lead_mus, strict=True))
        fields, found = expand(make(), mu, temperature, shifts, heats, warming, rtol, map_, progress, start=start,
                               keeps_energy=baths.keeps_energy)
        everywhere = np.ones((len(baths.balanced), make.nodes), bool)
        fields.update(expanded_by_site(ByBath(baths, everywhere), fields))
        after = None
        if found is not None:
            panels, *unknowns = found
            of_nodes = len(unknowns[0]) - int(np.isnan(shifts).sum())
            profiles = [profile for values in unknowns for profile in values[:of_nodes].reshape(-1, make.nodes)]
            after = panels, profiles, [values[of_nodes:] for values in unknowns]
        resolved = [] if baths.phonons is None else [fields["mu1"]]
        if baths.electrons is not None:  # the temperature may change by rounding alone
            resolved += [fields["electron_mu1"], fields["electron_mu1"] + fields["electron_temperature1"]]
        return ({"phonon_drive": warming, **fields}, after, [fields["power1"], fields["power2"]], resolved, True, 0.0)

    with thread_pool() as threads, stage_bar("kinetic.linear_response") as progress:
        map_ = reporting(threads, progress)
        try:
            mesh, fields, powers, cell_error = adapt(scatterer, gamma, lengths, [mu, mu], [temperature, temperature],
                                                      rtol, solve, map_, progress)
        except ConvergenceError as error:
            error.state = None  # one order alone
            raise
    fields.update(power1=powers[0], power2=powers[1], error=max(fields["error"], cell_error))
    return LinearResponse(x=mesh.nodes, mu=float(mu), temperature=temperature, thermal_drive=heats,
                          floating=int(np.isnan(shifts).sum()), **fields)


def _warming(phonon_drive, heats, lengths, x):
    """Shift of the phonons' temperature per unit of bias at positions x."""
    if phonon_drive is None or phonon_drive == "leads":
        return np.where(x < 0, *heats)
    if phonon_drive == "graded":
        return np.interp(x, [-lengths[0], lengths[1]], heats)
    return checked_drive(per_site("phonon_drive", phonon_drive, x))
