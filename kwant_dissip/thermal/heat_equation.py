"""Steady flow of heat between sites, the substrate, and what lies beyond the ends.

Unknown are the temperatures of the sites and of the model's ends, less that of the substrate. With u_i = T_i - T_s,

    sum_j k_ij (u_i - u_j) + size_i Int_{T_s}^{T_i} g dT = p_i,    k_ij = shape_ij times the mean of kappa between both.

For kappa(T) that mean makes k_ij (T_i - T_j) the difference of Kirchhoff's theta = Int kappa dT. Numbers are solved by
one factorisation, functions of the temperature by Newton's method.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu

from ..errors import ConvergenceError
from .cells import Cells
from .conductances import CONTINUED, INSULATED, NODES, WEIGHTS, Thermal

# Heat along the links, into the substrate, and beyond the ends that go on.
Flows = tuple[np.ndarray, np.ndarray, np.ndarray]

_STEPS, _HALVINGS = 60, 30
# Steps shorter than the first of these parts of the largest excess are the last; rounding can end them at the second,
# where they do not fall to a tenth.
_SMALL, _ACCURATE, _PROGRESS = 1e-12, 1e-8, 0.1
# Heat that may get lost, relative to what flows.
_CONSERVED = 1e-8
_NO_STATE = "more power than the conductances carry away at high temperatures, or a conductance that jumps"
# A step leaves at least this part of every temperature.
_LEFT = 0.1


@dataclass(frozen=True, eq=False)
class Flow:
    """Solution of the heat equation.

    Attributes
    ----------
    excess : array of float, shape (sites,)
        Temperature less the substrate's, K.
    to_substrate : array of float, shape (sites,)
        Heat that each site gives to the substrate, W.
    through_ends : array of float, shape (leads,)
        Heat that flows out beyond each lead's end, W.
    steps : int
        Newton steps.
    residual : float
        Heat that gets lost, over all that flows.
    """

    excess: np.ndarray
    to_substrate: np.ndarray
    through_ends: np.ndarray
    steps: int
    residual: float


class HeatEquation:
    """The heat equation of one power: nodes are the sites, then one for each contact, the end of the model there.

    Parameters
    ----------
    cells : Cells
    thermal : Thermal
    power : array of float, shape (sites,)
        Heat that each site receives, W.
    at_ends : array of float, shape (leads,)
        Heat that the ends receive, W.

    Raises
    ------
    ValueError
        If a connected piece has no way to lose heat, or numbers do not fit to the sites or leads.
    """

    def __init__(self, cells: Cells, thermal: Thermal, power: np.ndarray, at_ends: np.ndarray) -> None:
        self.cells, self.substrate = cells, thermal.substrate_temperature
        self.sites, self.leads = len(cells.size), len(at_ends)
        self.kappa, self.g = thermal.conductivity_law(self.sites), thermal.coupling_law(self.sites)
        lead, site = cells.contacts.T
        ends = self.sites + np.arange(len(lead))
        self.links = np.concatenate([cells.links, np.stack([site, ends], axis=1)])
        self.shape = np.concatenate([cells.shape, cells.width / cells.depth])
        self.site_of = np.concatenate([np.arange(self.sites), site])  # whose material a node has
        of_leads = thermal.lead_ends(self.leads)
        kinds = [of_leads[number] for number in lead]
        held = np.array([kind is not CONTINUED and kind != INSULATED for kind in kinds], bool)
        self.start = np.zeros(self.sites + len(lead))
        self.start[ends[held]] = [kind - self.substrate for kind, is_held in zip(kinds, held, strict=True) if is_held]
        self.free = np.concatenate([np.arange(self.sites), ends[~held]])
        self.held = ends[held]
        self.open = np.flatnonzero([kind is CONTINUED for kind in kinds])
        share = cells.width / np.bincount(lead, cells.width, self.leads)[lead]
        self.source = np.concatenate([power, share * at_ends[lead]])
        self.check_cooled()

    def check_cooled(self) -> None:
        """Raise ValueError if there is a piece whose heat has no way out."""
        temperature = self.substrate + np.zeros(len(self.site_of))
        conducts = self.kappa.at(temperature, self.site_of) > 0
        # Kapitza's law vanishes at temperature 0 only.
        cooled = self.g.at(temperature, self.site_of) > 0
        cooled[self.sites:] = False
        cooled[self.held] = True
        linked = conducts[self.links].all(axis=1)
        first, second = self.links[linked].T
        pieces, piece = connected_components(coo_matrix((np.ones(len(first)), (first, second)), (len(cooled),) * 2),
                                             directed=False)
        good = np.bincount(piece, cooled, pieces) > 0
        # Ends of a conductivity that vanishes are no pieces.
        lost = np.flatnonzero(~good[piece[:self.sites]])
        if len(lost):
            raise ValueError(f"Heat has no way out of {len(lost)} sites (number {lost[0]} is the first): their piece "
                             "is coupled to no substrate and has no end that is held at a temperature. Give Thermal a "
                             "coupling there, or ends.")

    def flows(self, excess: np.ndarray) -> Flows:
        """Heat along the links, into the substrate, and beyond the ends that go on."""
        first, second = self.links.T
        along = self.shape * self.between(excess) * (excess[first] - excess[second])
        at_sites = excess[:self.sites]
        down = self.cells.size * at_sites * self.g.mean(np.full(self.sites, self.substrate),
                                                        self.substrate + at_sites)
        return along, down, self.beyond(excess)[0]

    def between(self, excess: np.ndarray) -> np.ndarray:
        """Mean conductivity along the links: of both halves one after the other, or between both temperatures."""
        first, second = self.links.T
        if self.kappa.varies:
            return self.kappa.mean(self.substrate + excess[first], self.substrate + excess[second])
        one, other = (self.kappa.at(excess[end], self.site_of[end]) for end in (first, second))
        return np.divide(2 * one * other, one + other, out=np.zeros_like(one), where=one + other > 0)

    def beyond(self, excess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Heat into the wires that go on beyond the ends, and its derivative."""
        node = self.sites + self.open
        site, width, u = self.site_of[node], self.cells.width[self.open], excess[node]
        start = np.full(len(u), self.substrate)
        # q = u r: the two integrals of q^2 = 2 Int kappa w over a common part of u.
        parts = NODES[:, None] * u
        loss = np.stack([self.g.mean(start, start + part, site) for part in parts]) if len(u) else parts
        kappa = np.stack([self.kappa.at(start + part, site) for part in parts]) if len(u) else parts
        ratio = np.sqrt(2 * (WEIGHTS * NODES) @ (kappa * loss)) if len(u) else u
        slope = np.divide(self.kappa.at(start + u, site) * self.g.mean(start, start + u, site), ratio,
                          out=np.zeros_like(u), where=ratio > 0)
        return width * u * ratio, width * slope

    def balance(self, flows: Flows) -> np.ndarray:
        """What flows out of each node less what it receives."""
        along, down, beyond = flows
        out = -self.source
        first, second = self.links.T
        out = out + np.bincount(first, along, len(out)) - np.bincount(second, along, len(out))
        out[:self.sites] += down
        out[self.sites + self.open] += beyond
        return out[self.free]

    def derivative(self, excess: np.ndarray) -> csc_matrix:
        """Of the balance with the free nodes' temperatures: sparse matrix."""
        first, second = self.links.T
        temperature = self.substrate + excess
        if self.kappa.varies:
            kappa = self.kappa.at(temperature)
            one, other = self.shape * kappa[first], self.shape * kappa[second]
        else:
            one = other = self.shape * self.between(excess)
        diagonal = np.bincount(first, one, len(excess)) + np.bincount(second, other, len(excess))
        diagonal[:self.sites] += self.cells.size * self.g.at(temperature[:self.sites])
        diagonal[self.sites + self.open] += self.beyond(excess)[1]
        # A node that nothing touches: the end of a site that does not conduct.
        diagonal[diagonal == 0] = 1.0
        nodes = np.arange(len(excess))
        number = np.full(len(excess), -1)
        number[self.free] = np.arange(len(self.free))
        row, column = number[np.concatenate([nodes, first, second])], number[np.concatenate([nodes, second, first])]
        entries = np.concatenate([diagonal, -other, -one])
        kept = (row >= 0) & (column >= 0)
        return coo_matrix((entries[kept], (row[kept], column[kept])), (len(self.free),) * 2).tocsc()

    def correction(self, excess: np.ndarray) -> np.ndarray:
        """Newton's step from excess temperatures of all nodes: to the solution where nothing depends on these."""
        step = np.zeros_like(excess)
        step[self.free] = -self.inverse(excess).solve(self.balance(self.flows(excess)))
        return step

    def solve(self, start: np.ndarray | None = None) -> Flow:
        """Solution by one factorisation and a correction, or Newton's method if a conductance depends on T.

        Parameters
        ----------
        start : array of float, shape (nodes,), optional
            Excess temperatures to start from; by default those of the substrate.

        Returns
        -------
        Flow

        Raises
        ------
        ValueError
            If a site would be cooled below 0 K.
        ConvergenceError
            If there is no steady state, or it is not found.
        """
        excess = (self.start if start is None else start).copy()
        flows = self.flows(excess)
        balance, previous = self.balance(flows), np.inf
        if not (self.kappa.varies or self.g.varies):
            inverse = self.inverse(excess)
            for _ in range(2):
                excess[self.free] -= inverse.solve(balance)
                flows = self.flows(excess)
                balance = self.balance(flows)
            return self.flow(excess, flows, 1)
        for steps in range(1, _STEPS + 1):
            excess, flows, balance, change = self.step(excess, balance)
            largest = np.abs(excess).max()
            stalled = change <= _ACCURATE * largest and change > _PROGRESS * previous
            if stalled or change <= _SMALL * largest:
                return self.flow(excess, flows, steps)
            previous = change
        raise ConvergenceError(f"Newton's method did not find the temperature in {_STEPS} steps; the last one was "
                               f"{change:.1e} K, at {self.substrate + excess.max():.3g} K: {_NO_STATE}.",
                               accuracy=float(change / largest))

    def inverse(self, excess: np.ndarray) -> SuperLU:
        try:
            return splu(self.derivative(excess), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
                        options={"SymmetricMode": True})
        except RuntimeError as error:  # exactly singular: next to the largest ones the others are lost
            raise ConvergenceError("The conductances differ too much for the heat equation to be solved.") from error

    def step(self, excess: np.ndarray,
             balance: np.ndarray) -> tuple[np.ndarray, Flows, np.ndarray, float]:
        """A Newton step, shortened until the balance is better, with all temperatures positive; and its length."""
        step = -self.inverse(excess).solve(balance)
        size, longest, part = np.abs(balance).max(), np.abs(step).max(), 1.0
        temperature = self.substrate + excess[self.free]
        falling = step < (_LEFT - 1) * temperature
        if np.any(falling):
            part = float(((_LEFT - 1) * temperature[falling] / step[falling]).min())
        for _ in range(_HALVINGS):
            new = excess.copy()
            new[self.free] += part * step
            flows = self.flows(new)
            left = self.balance(flows)
            if np.abs(left).max() < size or part * longest <= _ACCURATE * np.abs(new).max():
                break
            part *= 0.5
        else:
            raise ConvergenceError(f"No step of Newton's method leads closer to a steady temperature than "
                                   f"{self.substrate + excess.max():.3g} K: {_NO_STATE}.")
        return new, flows, left, part * longest

    def flow(self, excess: np.ndarray, flows: Flows, steps: int) -> Flow:
        """`Flow`, after checking it."""
        along, down, _ = flows
        leads, cells = self.leads, self.cells
        through = np.bincount(cells.contacts[:, 0], along[len(cells.links):] + self.source[self.sites:], leads)
        coldest = np.argmin(excess[:self.sites])
        if self.substrate + excess[coldest] <= 0:
            raise ValueError(f"There is no steady temperature: site number {coldest} would be cooled to "
                             f"{self.substrate + excess[coldest]:.3g} K. Electrons cannot take up that much "
                             "heat from phonons so cold: couple the sites more strongly to each other or to the "
                             "substrate, or take less bias.")
        total = np.abs(self.source).sum() + np.abs(down).sum() + np.abs(through).sum()
        lost = abs(down.sum() + through.sum() - self.source.sum()) / (total or 1.0)
        if lost > _CONSERVED:
            raise ConvergenceError(f"Heat is conserved to {lost:.1e} only of what flows: the conductances differ too "
                                   "much to be solved for.", accuracy=float(lost))
        return Flow(excess[:self.sites], down, through, steps, float(lost))
