"""Energy integrals of a balance: panels, refined until every integral reaches its accuracy."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from ..errors import ConvergenceError
from ..native.energies import panel_sums
from ..numerics.quadrature import COUNTS, THERMAL_WINDOW, TWO_PI, Panels
from ..propagators.interface import Propagator
from .probes import Probes
from .spectra import Counts, Spectra

# Errors of the particle balance at many sites add up in the chemical potentials.
_SAFETY = 5.0
# Rounding errors of integrals that cancel, relative to the thermal scale of one open mode (particles T/2pi, energy
# T^2/2pi), and to what the drive (differences of mu and T) sends through it. Less cannot be resolved to rtol.
_ROUNDING = 1e-14
_ROUNDING_OF_DRIVE = 1e-14
# Where the power vanishes, by symmetry or nearly, its errors count against this part of what the exchange with the
# bath could release if all that goes to and fro at single energies had the energy of the drive (k_B T at most).
_LEAST_POWER = 1e-2
# Where net currents vanish (open circuit), their errors count against this part of what flows at single energies.
_LEAST_CURRENT = 0.1
_NAMES = ("particles that the bath takes", "power", "density", "current", "energy current")
_MAX_PANELS = 20000
# Beyond ln(1 / rtol) and so many k_B T more from every mu, exp(-x) x^2 of what matters is below 1e-3 rtol.
_FAR = 14.0
# From this rtol on panels begin with few nodes.
_ROUGH = 1e-4
# The part of a difference between two rules that is at least taken to be left, and below which they converge.
_LEAST_PART, _CONVERGING = 6e-2, 0.1
# Differences below this part of the largest do not tell.
_MATTERS = 1e-2


@dataclass
class Integrals:
    """Integrals over each panel; energies relative to mu_0.

    Attributes
    ----------
    loss, power, density : arrays of float, shape (sites, panels)
        F_i, p_i, and the density's difference to the equilibrium.
    current, energy_current : arrays of float, shape (leads, panels)
    errors : array of float, shape (2, 5, panels)
        Largest difference of the rule to that of half as many nodes, and of that to the next, of the five in this
        order.
    gross : array of float, shape (3, panels)
        Largest integral of the absolute value of what the bath takes at a site, of a lead's current, and of its energy
        current: what flows at single energies, though it may cancel in the whole.
    """

    loss: np.ndarray
    power: np.ndarray
    density: np.ndarray
    current: np.ndarray
    energy_current: np.ndarray
    errors: np.ndarray
    gross: np.ndarray

    @staticmethod
    def join(*parts: "Integrals") -> "Integrals":
        """All panels of several, in order."""
        return Integrals(*(np.concatenate([getattr(part, field.name) for part in parts], axis=-1)
                           for field in fields(Integrals)))

    def __getitem__(self, panels: np.ndarray) -> "Integrals":
        return Integrals(*(getattr(self, field.name)[..., panels] for field in fields(Integrals)))

    def total(self, name: str) -> np.ndarray:
        """Sum over panels."""
        return getattr(self, name).sum(axis=-1)


@dataclass
class Point:
    """Unknowns of a balance, and what was integrated there.

    Attributes
    ----------
    unknowns : array of float
    panels : Panels
    integrals : Integrals
    residual : array of float
        What must vanish; as long as the unknowns.
    """

    unknowns: np.ndarray
    panels: Panels
    integrals: Integrals
    residual: np.ndarray


class EnergyGrid:
    """Integrates over energies what probes and leads exchange through a propagator.

    Parameters
    ----------
    probes : Probes
    rtol : float
        Relative accuracy of power and currents, each measured by its largest value.
    map_ : callable, optional
        Works on several batches, as `map` or that of an executor.
    progress : callable, optional
        Called with the name of each stage and the relative change it reached.
    least_current : float, optional
        Currents below count as this when errors are measured.
    memory : float, optional
        Bytes that spectra may take which are kept for later; by default a quarter of what is free.
    near : Panels, optional
        Of a solution next to this one, relative to mu_0 here: the first panels are as fine as these.

    Attributes
    ----------
    counts : Counts
        Of all spectra of this grid.
    count : int
        Nodes of panels, at least, when the accuracy is judged.
    """

    def __init__(self, probes: Probes, rtol: float, map_: Callable = map, progress: Callable | None = None,
                 least_current: float = 0.0, memory: float | None = None, near: Panels | None = None) -> None:
        self.probes = probes
        self.rtol = rtol
        self.map = map_
        self.progress = progress or (lambda stage, value: None)
        self._least_current = least_current
        self._memory = memory
        self._near = near
        self.counts = Counts()
        self.count = COUNTS[0] if rtol >= _ROUGH else COUNTS[1]

    def spectra(self, propagator: Propagator) -> Spectra:
        """Spectra of a propagator, to be integrated over."""
        return Spectra(propagator, self.probes.mu0, self.map, self._memory, self.counts)

    def first_panels(self, propagator: Propagator) -> Panels:
        """Panels to start from."""
        # Farther out edges matter less than rtol, and wide leads have many.
        mu0, window = self.probes.mu0, self.probes.window(min(_FAR - np.log(self.rtol), THERMAL_WINDOW))
        low, high = (mu0 + end for end in window)
        thresholds = propagator.thresholds(low, high)
        panels = self.probes.first_panels(thresholds[(thresholds > low) & (thresholds < high)] - mu0, COUNTS[0])
        return panels if self._near is None else panels.as_fine_as(self._near)

    def fine(self, panels: Panels) -> Panels:
        """Panels with as many nodes as the accuracy asks for at least; the same if they have."""
        few = panels.count < self.count
        return Panels.join(panels[~few], panels[few].raised()) if np.any(few) else panels

    def integrate(self, spectra: Spectra, panels: Panels, unknowns: np.ndarray) -> Integrals:
        """Integrals over each panel."""
        batches = spectra.batches(panels)
        parts = spectra.each(lambda spectrum, part: self._of_part(spectrum, part, unknowns),
                             [panels[batch] for batch in batches])
        return Integrals.join(*parts)[np.argsort(np.concatenate(batches))]

    def _of_part(self, spectrum, panels, unknowns):
        filling, lead_filling = self.probes.fillings(panels.points()[0], unknowns)
        n, inflow = spectrum.occupation(spectrum.rate * filling, lead_filling)
        parts, start = [], 0
        for part in panels.alike():
            here = slice(start, start + part.energies)
            arrays = (array if len(panels) == len(part) else np.ascontiguousarray(array[:, here])
                      for array in (spectrum.rate, spectrum.spectral, filling, n, inflow))
            parts.append(_sums(part, *arrays))
            start = here.stop
        return Integrals.join(*parts)

    def bond_currents(self, spectra: Spectra, panels: Panels,
                      unknowns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Particles and energy per time on every hopping of a lattice, from its second site to its first.

        Relative to the equilibrium (mu_0, T_0): what flows in equilibrium, in a magnetic field, is left out.

        Returns
        -------
        current, energy_current : arrays of float, shape (hoppings,)
        """
        mu0 = self.probes.mu0

        def sums(spectrum, part):
            nodes, weights = part.points()
            filling, lead_filling = self.probes.fillings(nodes, unknowns)
            flows = spectrum.bond_flows(spectrum.rate * filling, lead_filling)
            return np.array([flows @ weights, flows @ (weights * nodes)]) / TWO_PI

        current, energy_current = sum(spectra.each(sums, spectra.parts(panels)))
        return current, energy_current + mu0 * current

    def error(self, integrals: Integrals) -> float:
        """Relative error of all panels together."""
        return float(self._errors(integrals)[0].sum())

    def _errors(self, integrals):
        """Error of each panel, the worst of all integrals relative to their scales; and whether its rules converge.

        Twice as many nodes and one leave a part r of the difference between rules, the largest part of all integrals
        that matter; as many again leave r of that or less where integrands are smooth on a panel (but something always
        is taken to be left), and where r is not small the difference itself is what is left.
        """
        fine, rough = integrals.errors / self._scales(integrals)[:, None]
        largest = fine.max(axis=0)
        ratio = np.divide(fine, rough, out=np.ones_like(fine), where=rough > fine)
        part = np.where(fine >= _MATTERS * largest, ratio, 0.0).max(axis=0)
        return _SAFETY * largest * np.clip(part, _LEAST_PART, 1.0), part < _CONVERGING

    def _scales(self, integrals):
        """What errors of the five integrals are relative to.

        The largest value of each, or where that vanishes a part of what flows to and fro at single energies.
        """
        # Energy counts from mu_0 here; a particle carries some k_B T.
        temperature, drive = self.probes.temperature0, self.probes.drive
        zero = max(_ROUNDING * temperature, _ROUNDING_OF_DRIVE / self.rtol * drive) / TWO_PI
        exchange, current, energy_current = integrals.gross.sum(axis=1)
        power, density, net, net_energy = (np.abs(integrals.total(name)).max() for name in
                                           ("power", "density", "current", "energy_current"))
        power = max(power, zero * temperature, _LEAST_POWER * min(drive, temperature) * exchange)
        zero = max(zero, self._least_current)
        return np.array([power / temperature, power, max(density, 1e-2), max(net, zero, _LEAST_CURRENT * current),
                         max(net_energy, zero * temperature, _LEAST_CURRENT * energy_current)])

    def refined(self, spectra: Spectra, panels: Panels, integrals: Integrals,
                unknowns: np.ndarray) -> tuple[Panels, Integrals]:
        """Raise rules and halve panels until their errors, added up, are below rtol; panels, and integrals over them.

        Raises
        ------
        ConvergenceError
            If that takes too many energies; its `state` is what was reached, panels and integrals.
        """
        while True:
            errors, converge = self._errors(integrals)
            self.progress("energies", errors.sum())
            if errors.sum() <= self.rtol:
                return panels, integrals
            # The worst panels, so many that the rest is within half of the tolerance.
            order = np.argsort(errors)
            split = np.sort(order[np.count_nonzero(np.cumsum(errors[order]) <= 0.5 * self.rtol):])
            kept = np.setdiff1d(order, split)
            spectra.forget(panels[split])
            if len(panels) + len(split) > _MAX_PANELS:
                worst, scales = self.probes.mu0 + panels[order[-10:]].ends(), self._scales(integrals)
                which = int(np.argmax(integrals.errors[0].sum(axis=1) / scales))
                raise ConvergenceError(
                    f"The energy integrals reached a relative error of {errors.sum():.1e} with {panels.energies} "
                    f"energies, not rtol={self.rtol:.1e}: that of the {_NAMES[which]}, measured against "
                    f"{scales[which]:.1e}, near the energy {worst[-1].mean():.8g}. A resonance narrower than these "
                    "resolve, or an rtol below rounding errors, can be the reason: raise the rate of its sites, or "
                    "rtol.", accuracy=float(errors.sum()), energies=worst, state=(panels, integrals))
            # Where the rules of a panel converge, more nodes bring more than two halves do.
            raised = converge[split] & (panels.count[split] < COUNTS[-1])
            finer = Panels.join(panels[split[raised]].raised(), panels[split[~raised]].halves())
            panels = Panels.join(panels[kept], finer)
            integrals = Integrals.join(integrals[kept], self.integrate(spectra, finer, unknowns))


def _sums(panels, rate, spectral, filling, n, inflow):
    """Integrals over panels of as many nodes each."""
    nodes, weights, (embedded, coarse) = panels.nodes()
    differences = np.stack([weights - embedded, embedded - coarse]) / TWO_PI
    weights = weights / TWO_PI
    loss, power, density, errors, exchange = panel_sums(rate, spectral, filling, n, nodes, weights, differences)
    inflow = inflow.reshape(-1, *nodes.shape)
    of_rules = differences[:, None]
    flow_errors = np.abs([(inflow * of_rules).sum(axis=3), (inflow * of_rules * nodes).sum(axis=3)]).max(axis=2)
    gross = np.array([(np.abs(inflow) * weights).sum(axis=2), (np.abs(inflow * nodes) * weights).sum(axis=2)])
    return Integrals(loss, power, density, (inflow * weights).sum(axis=2), (inflow * weights * nodes).sum(axis=2),
                     np.concatenate([errors, flow_errors.swapaxes(0, 1)], axis=1),
                     np.concatenate([[exchange], gross.max(axis=1)]))
