"""Closed forms: a mean free path that does not depend on energy, heat without a bath, a quantum point contact."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import cubature
from scipy.optimize import brentq
from scipy.special import expit

from .errors import ConvergenceError, users_function
from .native.energies import fermi_difference
from .notebook import html
from .numerics.checks import check_finite, check_positive, is_number, is_whole, real_array, shortened
from .numerics.quadrature import THERMAL_WINDOW
from .numerics.sampled import Sampled
from .progress import stage_bar

__all__ = ["ConstantMeanFreePath", "LandauerHeat", "constant_mean_free_path", "landauer_heat", "saddle_point",
           "sommerfeld_heat"]

Transmission = Callable[[np.ndarray], np.ndarray]

_TWO_PI = 2 * np.pi
# J = T D / (1 - T) for a transmission T at all energies: at 100 D the scatterer has a hundredth of h/e^2.
_LARGEST_CURRENT = 100
_MOST_MODES = 1_000_000
# How exactly a transmission is known at the few energies that it is asked for.
_SAMPLED = 1e-7
_GAUSS, _GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True, eq=False)
class ConstantMeanFreePath:
    r"""Two infinite wires with one mean free path around a scatterer: exact at any bias and temperature.

    mu(x) is linear in each wire with slope -J/(2 l), J = 2 pi current, and jumps by the drop D at the scatterer:
    mu(0-) = D/2, mu(0+) = -D/2. With K_R = 2 pi heat_right and K_L = 2 pi heat_left,

    .. math:: p(x) = \frac{1}{2\pi} \left[\frac{J^2}{2l} + K_{R,L}\,\frac{e^{-|x|/\lambda}}{\lambda}\right],
              \qquad K_L + K_R = J D.

    lambda is l where phonons alone scatter.

    Attributes
    ----------
    current : float
        Particles per unit time.
    heat_left, heat_right : float
        Heat released in each wire beyond the uniform Joule heat of the wire, per unit time.
    drop : float
    mean_free_path : float
        l, of all collisions.
    relaxation_length : float
        lambda, over which energy is lost.
    """

    current: float
    heat_left: float
    heat_right: float
    drop: float
    mean_free_path: float
    relaxation_length: float

    def _repr_html_(self) -> str:
        return html("ConstantMeanFreePath", _rows(self))

    def power(self, x: ArrayLike) -> np.ndarray:
        """Power per length at positions x (array; x < 0: left wire)."""
        x, length = real_array("x", x).astype(float), self.relaxation_length
        heat = np.where(x > 0, self.heat_right, self.heat_left)
        return np.pi * self.current ** 2 / self.mean_free_path + heat * np.exp(-np.abs(x) / length) / length

    def mu(self, x: ArrayLike) -> np.ndarray:
        """Electrochemical potential at positions x, relative to the mean of both sides of the scatterer."""
        x = real_array("x", x).astype(float)
        return -np.sign(x) * 0.5 * self.drop - np.pi * self.current * x / self.mean_free_path


def constant_mean_free_path(transmission: Transmission, *, temperature: float, drop: float, mean_free_path: float,
                            elastic_mean_free_path: float = np.inf) -> ConstantMeanFreePath:
    r"""Closed form of the kinetic theory for mean free paths that do not depend on energy.

    With 1/l = 1/l_ph + 1/l_el, lambda = sqrt(l l_ph), B_s(E; mu) = Int_0^inf dy exp(-y) F(E - mu - s y lambda J/2l),
    the mean of both directions of motion at the scatterer if it did not transmit, and D the drop,

    .. math::

        J &= \int\! dE\,\mathcal T'(E)\,[B_+(E; D/2) - B_-(E; -D/2)], \qquad
        \mathcal T' = \frac{1}{1/\mathcal T - 1 + \lambda/l}, \\
        K_R &= \tfrac12 J D + \int\! dE\,E\,\mathcal T'(E)\,[B_+(E; D/2) - B_-(E; -D/2)], \qquad K_L = J D - K_R.

    Parameters
    ----------
    transmission : callable
        T(E) of an array of energies, measured from the mean chemical potential at the scatterer.
    temperature : float
        k_B T of electrons and phonons, positive.
    drop : float
        Drop of the electrochemical potential at the scatterer, left less right.
    mean_free_path : float
        l_ph, of the collisions with phonons.
    elastic_mean_free_path : float, optional
        l_el, of elastic collisions, which turn right into left movers at fixed energy; by default there are none.

    Returns
    -------
    ConstantMeanFreePath

    Raises
    ------
    ValueError
        If an argument is out of range.
    ConvergenceError
        If an integral does not converge.

    Notes
    -----
    Wide band: a velocity is not needed. Every profile is monotonic in each wire, at any ratio of the mean free paths.
    Derivation: with mu linear in x the sum of right and left movers obeys lambda^2 f'' = f - F along the wire, their
    difference is -l f', and the scatterer joins both.
    """
    _check_positive(temperature=temperature, mean_free_path=mean_free_path)
    if not is_number(elastic_mean_free_path) or not elastic_mean_free_path > 0:
        raise ValueError("elastic_mean_free_path must be positive (inf: no elastic collisions), "
                         f"got {shortened(elastic_mean_free_path)}.")
    path = 1 / (1 / mean_free_path + 1 / elastic_mean_free_path)
    length = np.sqrt(path * mean_free_path)
    check_finite("drop", drop)

    if drop == 0:
        return ConstantMeanFreePath(0.0, 0.0, 0.0, 0.0, float(path), float(length))
    with stage_bar("constant_mean_free_path") as progress:
        right_side = partial(_integrals, drop=drop, ratio=length / path, temperature=temperature,
                             sampled=Sampled(partial(_transmission, transmission), _SAMPLED, progress))
        sign, high = np.sign(drop), abs(drop)
        while sign * right_side(sign * high)[0] > high:
            high *= 2
            if high > _LARGEST_CURRENT * abs(drop):
                raise ValueError("A transmission so close to 1 carries any current without a drop: J would exceed "
                                 f"{_LARGEST_CURRENT} times drop={drop!r}, which cannot be held.")
        j = sign * brentq(lambda x: sign * right_side(sign * x)[0] - x, 0.0, high, xtol=1e-16, rtol=1e-14)
        energy = right_side(j)[1]
    return ConstantMeanFreePath(j / _TWO_PI, (0.5 * j * drop - energy) / _TWO_PI, (0.5 * j * drop + energy) / _TWO_PI,
                                float(drop), float(path), float(length))


def _integrals(j, sampled, drop, ratio, temperature):
    """J's right-hand side in `constant_mean_free_path`, and the energy that goes with it, at a given J."""
    def integrand(energy):
        t = sampled(energy)
        left = _arriving(energy, 0.5 * drop, 1, ratio * j, temperature)
        right = _arriving(energy, -0.5 * drop, -1, ratio * j, temperature)
        flow = t / (1 + t * (ratio - 1)) * (left - right)
        return np.stack([flow, energy * flow], axis=1)

    # Wide tails, of which T(E) is asked where they weigh; and what arrives has the edges of Fermi functions.
    tail, edge = temperature + 0.5 * ratio * abs(j), 0.5 * abs(drop)
    reach = edge + THERMAL_WINDOW * tail
    ends = edge + tail * np.array([1.0, 4.0, 12.0, THERMAL_WINDOW])
    sampled.cover([*-ends[::-1], *ends], lambda energy: np.exp(np.minimum(edge - np.abs(energy), 0.0) / tail))
    steps = np.arange(-THERMAL_WINDOW, THERMAL_WINDOW + 1, 2.0)
    pieces = np.concatenate([sampled.low, tail * steps, *(at + temperature * steps for at in (-edge, edge))])
    pieces = np.unique(np.clip(pieces, -reach, reach))
    half = 0.5 * np.diff(pieces)[:, None]
    nodes = (pieces[:-1, None] + half * (1 + _GAUSS)).ravel()
    return (half * _GAUSS_WEIGHTS).ravel() @ integrand(nodes)


@dataclass(frozen=True)
class LandauerHeat:
    """Heat released in both reservoirs of a coherent conductor, without any bath, per unit time.

    Attributes
    ----------
    current : float
        Particles per unit time from left to right.
    heat_left, heat_right : float
        heat_left + heat_right = current * bias.
    """

    current: float
    heat_left: float
    heat_right: float

    def _repr_html_(self) -> str:
        return html("LandauerHeat", _rows(self))


def landauer_heat(transmission: Transmission, reservoirs: Sequence) -> LandauerHeat:
    r"""Heat released in each reservoir when electrons cross a scatterer, far from it.

    .. math::

        Q_R = \frac{1}{2\pi} \int\! dE\,(E - \mu_R)\,\mathcal T\,(f_L - f_R), \qquad
        Q_L = \frac{1}{2\pi} \int\! dE\,(\mu_L - E)\,\mathcal T\,(f_L - f_R).

    It is the limit of a mean free path much longer than the wires, and says nothing about where on the way to the
    reservoirs the heat is released.

    Parameters
    ----------
    transmission : callable
        T(E) of an array of energies; with several modes their sum.
    reservoirs : (Reservoir, Reservoir)
        Left and right.

    Returns
    -------
    LandauerHeat

    Raises
    ------
    ConvergenceError
        If an integral does not converge.

    Notes
    -----
    With phonons, what a long wire takes near the scatterer follows another law: beyond Joule's heat, the current times
    the difference of two Peltier coefficients, of the scatterer and of the wire itself. So it can have the opposite
    sign, see `local_heat`: for a resonant dot at k_B T = 0.4 E_F the wire is cooled that Landauer heats. Signs agree
    in wires much shorter than the mean free path, and where k_B T is far below the Fermi energy. With one mean free
    path for all energies Landauer's law holds for wire and reservoir together, at any length.
    """
    left, right = reservoirs
    middle = 0.5 * (left.mu + right.mu)
    # Temperatures that differ by rounding alone would drive rounding errors, which no quadrature resolves.
    alike = abs(left.temperature - right.temperature) <= 4 * np.finfo(float).eps * left.temperature
    cold = left.temperature if alike else right.temperature

    def integrand(energy):
        # each relative to the equilibrium of the left reservoir's temperature: exact at small bias
        left_filling, right_filling = fermi_difference(
            energy, np.array([left.mu - middle, right.mu - middle]),
            np.array([0.0, cold - left.temperature]), left.temperature)
        flow = _transmission(transmission, energy + middle, several=True) * (left_filling - right_filling)
        return np.stack([flow, energy * flow], axis=1)

    bias, hottest = abs(left.mu - right.mu), max(left.temperature, cold)
    reach = 0.5 * bias + THERMAL_WINDOW * hottest
    atol = 1e-14 * (bias + abs(left.temperature - cold)) * (bias + hottest)
    particles, energy = (float(value) / _TWO_PI for value in
                         _integrate(integrand, -reach, reach, [left.mu - middle, right.mu - middle], atol))
    return LandauerHeat(particles, (left.mu - middle) * particles - energy, energy - (right.mu - middle) * particles)


def sommerfeld_heat(transmission: Transmission, derivative: Transmission, *, mu: float, temperature: float,
                    bias: float) -> LandauerHeat:
    r"""Low-temperature expansion of `landauer_heat` for reservoirs of equal temperature, bias << temperature.

    .. math::

        I = \frac{1}{2\pi}\,\mathcal T(\mu)\,V, \qquad
        Q_R - Q_L = \frac{1}{2\pi}\,\frac{2\pi^2}{3}\,T^2\,\mathcal T'(\mu)\,V, \qquad Q_R + Q_L = I V.

    Parameters
    ----------
    transmission, derivative : callable
        T(E) and T'(E) = dT/dE of an array of energies.
    mu : float
        Mean of the chemical potentials.
    temperature : float
        k_B T of both reservoirs.
    bias : float
        V = mu_left - mu_right.

    Returns
    -------
    LandauerHeat
        Leading order of each: corrections to the current are smaller by temperature^2 T''/T and V^2 T''/T, those to
        the asymmetry by temperature^2 T(3)/T' and (V/temperature)^2, where T'', T(3) are higher derivatives.

    Notes
    -----
    Q_R - Q_L = (1/pi) Int dE (E - mu) T (f_L - f_R), where f_L - f_R = -f' V + O(V^3), and the Sommerfeld expansion
    Int dE (E - mu) T(E) (-f') = (pi^2/3) temperature^2 T'(mu) + O(temperature^4) gives the factor. The next order in
    the bias adds V^3 T'(mu) / 12 pi to the asymmetry.
    """
    _check_positive(temperature=temperature)
    check_finite("mu", mu)
    check_finite("bias", bias)
    with users_function("transmission", transmission):
        current = float(transmission(np.array([mu]))[0]) * bias / _TWO_PI
    with users_function("derivative", derivative):
        asymmetry = np.pi / 3 * temperature ** 2 * float(derivative(np.array([mu]))[0]) * bias
    return LandauerHeat(current, 0.5 * (current * bias - asymmetry), 0.5 * (current * bias + asymmetry))


def saddle_point(*, height: float = 0.0, curvature: float, level_spacing: float, modes: int = 1) -> Transmission:
    r"""Transmission of a quantum point contact: a saddle in the potential.

    .. math::

        \mathcal T(E) = \sum_{n=0}^{\mathrm{modes}-1}
        \frac{1}{1 + \exp(-2\pi\,[E - \mathrm{height} - (n + \frac12)\,\mathrm{level\_spacing}] / \mathrm{curvature})}

    Parameters
    ----------
    height : float
        Potential energy at the saddle.
    curvature : float
        hbar omega_x along the current: a step is some curvature / 2 pi wide.
    level_spacing : float
        hbar omega_y across it: distance of the steps.
    modes : int
        Number of steps.

    Returns
    -------
    callable
        T of an array of energies.

    References
    ----------
    M. Büttiker, Phys. Rev. B 41, 7906 (1990).
    """
    _check_positive(curvature=curvature, level_spacing=level_spacing)
    check_finite("height", height)
    if not is_whole(modes) or not 1 <= modes <= _MOST_MODES:
        raise ValueError(f"modes must be a whole number from 1 to {_MOST_MODES}, got {shortened(modes)}.")
    steps = height + (np.arange(modes) + 0.5) * level_spacing

    def transmission(energy):
        energy = np.asarray(energy, float)
        return expit(2 * np.pi * (energy[..., None] - steps) / curvature).sum(axis=-1)

    return transmission


def _arriving(energy, mu, side, j, temperature):
    """B_s(E; mu) - F(E): what arrives from one side of a wire in which mu falls linearly, less equilibrium."""
    steepness = 0.5 * abs(j) / temperature
    # exp(-y), and the Fermi function's edge, which has the width 1 / steepness in y
    ends = np.linspace(0.0, THERMAL_WINDOW, 1 + int(np.ceil(THERMAL_WINDOW * (0.5 + 0.5 * steepness))))
    half = 0.5 * (ends[1] - ends[0])
    y = (ends[:-1, None] + half * (1 + _GAUSS)).ravel()
    weights = np.tile(half * _GAUSS_WEIGHTS, len(ends) - 1) * np.exp(-y)
    shifts = mu + side * 0.5 * j * y
    return weights @ fermi_difference(energy, shifts, np.zeros(len(y)), temperature)


def _transmission(transmission, energy, several=False):
    with users_function("transmission", transmission):
        t = np.broadcast_to(np.asarray(transmission(energy), float), energy.shape)
    if not np.all(np.isfinite(t)) or np.any(t < 0) or (not several and np.any(t > 1 + 1e-12)):
        raise ValueError(f"transmission(E) must be finite{'' if several else ', at most 1,'} and not negative, got "
                         f"values from {t.min()!r} to {t.max()!r}.")
    return t


def _integrate(integrand, low, high, points, atol):
    """Integral of a function that maps energies (n,) to values (n, quantities)."""
    result = cubature(lambda x: integrand(x[:, 0]), [low], [high], rule="gk21", rtol=1e-11, atol=atol,
                      points=[[p] for p in sorted({*points, 0.0}) if low < p < high], max_subdivisions=20000)
    if result.status != "converged":
        raise ConvergenceError(f"The integral over energies reached an error of {result.error.max():.1e}; the "
                               "transmission may be too rough.")
    return result.estimate


# In the units of the energies that were given.
_UNITS = {"current": "E0/hbar", "heat_left": "E0^2/hbar", "heat_right": "E0^2/hbar", "drop": "E0"}


def _rows(result):
    """Of a table."""
    return {name.replace("_", " "): f"{value:.4g} {_UNITS.get(name, '')}".strip()
            for name, value in asdict(result).items()}


def _check_positive(**values):
    for name, value in values.items():
        check_positive(name, value)


def __dir__():
    return __all__
