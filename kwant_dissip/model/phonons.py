"""Phonons that take up energy in quanta, or only the momentum: microscopic models, without a postulated rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..numerics.checks import check_flag, check_positive, is_number
from .baths import Bath
from .per_site import PerSite, check_kind, first_bad, per_site, temperatures_per_site
from .reservoirs import check_temperature

# Into how many parts the smallest quantum may be cut so that all are multiples, and how exactly.
_MOST_PARTS, _ALIKE = 12, 1e-9


class Phonons:
    """What both kinds have in common: coupling and temperature of every site.

    Parameters
    ----------
    coupling, temperature, level_shift, each_orbital
        As of `OpticalPhonons`.
    """

    def __init__(self, coupling: PerSite, temperature: PerSite, *, level_shift: bool = True,
                 each_orbital: bool = False) -> None:
        kind = type(self).__name__
        for name, value in (("coupling", coupling), ("temperature", temperature)):
            check_kind(kind, name, value)
            if value is None:
                raise ValueError(f"{kind} {name} must be given, got None.")
        if is_number(coupling):
            self._checked(np.array([coupling], float))
        if is_number(temperature):
            check_temperature(f"{kind} temperature", temperature)
        for name, flag in (("level_shift", level_shift), ("each_orbital", each_orbital)):
            check_flag(f"{kind} {name}", flag)
        self.coupling, self.temperature = coupling, temperature
        self.level_shift, self.each_orbital = bool(level_shift), bool(each_orbital)

    def site_couplings(self, sites: Sequence) -> np.ndarray:
        """D at each site, array of shape (sites,)."""
        return self._checked(per_site(f"{type(self).__name__} coupling", self.coupling, sites))

    def site_temperatures(self, sites: Sequence) -> np.ndarray:
        """k_B T at each site, array of shape (sites,)."""
        return temperatures_per_site(type(self).__name__, self.temperature, sites)

    def _checked(self, values):
        good = np.isfinite(values) & (values >= 0)
        if not np.all(good):
            raise ValueError(f"{type(self).__name__} coupling must be finite and not negative, "
                             f"got {first_bad(values, good)}.")
        return values


class OpticalPhonons(Phonons):
    """Local phonons of one energy, in the self-consistent Born approximation.

    Each site has a vibration of its own that takes up and gives back quanta of the energy w, with N(w, T) of them
    there at any time: the phonons stay in equilibrium. What electrons lose, and how often, follows from the states that
    there are; no rate is postulated.

    Parameters
    ----------
    energy : float
        w = hbar omega, in the model's energy unit, positive.
    coupling : float, sequence of float, or function of a site
        D, the square of the matrix element between an electron on the site and one quantum, in the model's energy unit
        squared; one value, one per site, or a function. 0: site not coupled.
    temperature : float, sequence of float, or function of a site
        k_B T of the phonons, positive.
    level_shift : bool, optional
        Whether the real part of the self-energy is kept, Hilbert's transform of the rate. Without it, as in many device
        codes, the self-energy is not causal: the states on a site do not add up to one (some percent are missing), and
        heat spots move by a few percent. It needs the energies of the whole band; without, those up to the Fermi
        functions' end.
    each_orbital : bool, optional
        By default a vibration scatters an electron from any orbital of its site into any other, spins flipped or not:
        rates are sums over the orbitals. True: every orbital has a vibration of its own, and electrons stay in it, as
        where the two orbitals of a site are spins that phonons do not turn. A PhononBath and elastic collisions in the
        list then have a probe on every orbital, too. All phonons of a list must be alike.
    tadpole : bool, optional
        Whether electrons feel that their density n displaces the vibration: a static shift -2 D n / w of all levels of
        the site (with `each_orbital` of each orbital by its own density), which moves them with their filling. By
        default it is left out: the displacement in equilibrium is taken to be part of the model's onsite energies, and
        its change with the current is neglected. Not together with electrostatics.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If a flag is neither True nor False.

    Notes
    -----
    The approximation sums all diagrams without crossing lines, those with a tadpole (Hartree's) only with `tadpole`;
    it is meant for couplings that broaden a level by less than the band is wide, and makes no polarons. The tadpole is
    an attraction of electrons: where 2 D / w times the states per energy comes near 1, levels are filled by jumps, and
    the solution may not be found.

    References
    ----------
    G. D. Mahan, Many-Particle Physics, 3rd ed., Springer 2000; R. Lake, G. Klimeck, R. C. Bowen, D. Jovanovic,
    J. Appl. Phys. 81, 7845 (1997); T. Frederiksen, M. Paulsson, M. Brandbyge, A.-P. Jauho, Phys. Rev. B 75, 205413
    (2007).
    """

    energy: float
    tadpole: bool

    def __init__(self, energy: float, coupling: PerSite, temperature: PerSite, *, level_shift: bool = True,
                 each_orbital: bool = False, tadpole: bool = False) -> None:
        super().__init__(coupling, temperature, level_shift=level_shift, each_orbital=each_orbital)
        check_positive("OpticalPhonons energy", energy)
        check_flag("OpticalPhonons tadpole", tadpole)
        self.energy, self.tadpole = float(energy), bool(tadpole)

    def __repr__(self):
        tadpole = ", tadpole=True" if self.tadpole else ""
        return f"OpticalPhonons({self.energy!r}, {self.coupling!r}, {self.temperature!r}{tadpole})"


class AcousticPhonons(Phonons):
    """Acoustic phonons far above their own energies, where scattering is elastic and its rate D A_i(E).

    Parameters
    ----------
    coupling : float, sequence of float, or function of a site
        D at this temperature (it is proportional to it), in the model's energy unit squared. 0: site not coupled.
    temperature : float, sequence of float, or function of a site
        k_B T of the phonons, positive.
    level_shift, each_orbital : bool, optional
        As of `OpticalPhonons`.

    Raises
    ------
    ValueError
        If a number is out of range.
    TypeError
        If a flag is neither True nor False.

    References
    ----------
    R. Lake, G. Klimeck, R. C. Bowen, D. Jovanovic, J. Appl. Phys. 81, 7845 (1997), section II D.
    """

    def __repr__(self):
        return f"AcousticPhonons({self.coupling!r}, {self.temperature!r})"


@dataclass(frozen=True)
class Mode:
    """One kind of quanta on the sites of a system.

    Attributes
    ----------
    energy : float
    coupling, temperature : arrays of float, shape (sites,)
    level_shift, tadpole : bool
    """

    energy: float
    coupling: np.ndarray
    temperature: np.ndarray
    level_shift: bool
    tadpole: bool = False

    @property
    def quanta(self) -> np.ndarray:
        """Bose's N at each site, shape (sites,)."""
        vacant = np.exp(-self.energy / self.temperature)
        return vacant / (1 - vacant)

    def in_order(self, order: np.ndarray) -> "Mode":
        """The same with sites permuted."""
        return Mode(self.energy, self.coupling[order], self.temperature[order], self.level_shift, self.tadpole)


def quanta_of(bath: Any) -> tuple[list[Phonons], list | None]:
    """Microscopic phonons of a list of baths, and the list of the others; None where nothing is left.

    Raises
    ------
    TypeError
        If one is something else.
    """
    if bath is None:
        return [], None
    listed = list(bath) if isinstance(bath, list | tuple) else [bath]
    for number, one in enumerate(listed):
        if not isinstance(one, Bath | Phonons):
            name, listing = ("bath", ", or a list of them") if one is bath else (f"bath[{number}]", "")
            raise TypeError(f"{name} must be a PhononBath, ElectronBath, ElasticBath, other Bath, OpticalPhonons or "
                            f"AcousticPhonons{listing}, got {type(one).__name__}.")
    quanta = [one for one in listed if isinstance(one, Phonons)]
    if not quanta:
        return [], bath
    return quanta, [one for one in listed if not isinstance(one, Phonons)] or None


def modes_of(quanta: Sequence[Phonons], sites: Sequence) -> tuple[list[Mode], np.ndarray]:
    """Modes of the optical phonons, and the coupling of all acoustic ones together, at the sites of a system.

    Raises
    ------
    ValueError
        If some reach no site.
    """
    modes, acoustic = [], np.zeros(len(sites))
    for phonons in quanta:
        coupling, temperature = phonons.site_couplings(sites), phonons.site_temperatures(sites)
        if not coupling.any():
            raise ValueError(f"{phonons!r} reaches no site: every coupling is 0. Leave it out.")
        if isinstance(phonons, OpticalPhonons):
            modes.append(Mode(phonons.energy, coupling, temperature, phonons.level_shift, phonons.tadpole))
        else:
            acoustic += coupling
    return modes, acoustic


def common_quantum(energies: Sequence[float]) -> float:
    """The largest energy of which all are whole multiples.

    Raises
    ------
    ValueError
        If none is found: energies must lie on ladders that every quantum leads along.
    """
    smallest = min(energies)
    for parts in range(1, _MOST_PARTS + 1):
        multiples = np.array(energies) * parts / smallest
        if np.all(np.abs(multiples - np.round(multiples)) <= _ALIKE * multiples):
            return smallest / parts
    listed = ", ".join(f"{energy:g}" for energy in energies)
    raise ValueError(f"The energies of OpticalPhonons, {listed}, must be whole multiples of one quantum, the smallest "
                     f"of them or a part of it down to 1/{_MOST_PARTS}: only then is energy conserved exactly. Round "
                     "them.")
