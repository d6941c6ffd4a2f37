"""The two hot spots of a Hall bar, at diagonally opposite corners; at the other two if the field is reversed.

The field is in the bar only. In the quantum Hall regime the current enters and leaves at one corner of each contact,
and the voltage between the bar's edges drops there. k_B T is half of gamma here, so that a small bar will do, below
what rates are meant for: which corners are hot follows from the field's sign, how hot they are is not known to better
than some tens of per cent. Writes hot_spots_in_the_hall_bar.png.
"""

import matplotlib.pyplot as plt
import numpy as np

import kwant_dissip as kd
from kwant_dissip.plots.numbers import save
from kwant_dissip.systems import ribbon

LENGTH, WIDTH, CONTACT, FLUX = 48, 16, 5, 0.06
MU, BIAS, TEMPERATURE, RATE = -3.3, 0.3, 0.05, 0.1


def solve(flux):
    """Current leads at the ends, four floating voltage leads at the sides."""
    syst = ribbon.hall_bar(length=LENGTH, width=WIDTH, contact=CONTACT, flux=flux).finalized()
    reservoirs = [kd.Reservoir(MU + sign * 0.5 * BIAS, TEMPERATURE) for sign in (1, -1)]
    reservoirs += [kd.Reservoir(None, TEMPERATURE)] * 4
    return kd.steady_state(syst, reservoirs, kd.PhononBath(TEMPERATURE, rate=RATE), rtol=1e-3)


def corners(state, size=6):
    """Largest power near each corner over the mean: (left, right) x (bottom, top)."""
    x, y = state.positions.T
    near_x = x < size, x >= LENGTH - size
    near_y = y < size, y >= WIDTH - size
    return np.array([[state.power[a & b].max() for b in near_y] for a in near_x]) / state.power.mean()


if __name__ == "__main__":
    figure, axes = plt.subplots(3, 2, figsize=(11, 5.8), layout="compressed", sharex=True, sharey=True)
    for column, flux in zip(axes.T, (FLUX, -FLUX), strict=True):
        state = solve(flux)
        hall = state.reservoir_mu[2] - state.reservoir_mu[4]
        along = state.reservoir_mu[2] - state.reservoir_mu[3]
        print(f"flux {flux:+g} h/e per square: G = {2 * np.pi * state.current[0] / BIAS:.3f} e^2/h, "
              f"R_xy = {hall / (2 * np.pi * state.current[0]):+.3f} h/e^2, "
              f"R_xx = {along / (2 * np.pi * state.current[0]):+.3f} h/e^2")
        (left_bottom, left_top), (right_bottom, right_top) = corners(state)
        print(f"  largest power over the mean, left: {left_bottom:.1f} bottom, {left_top:.1f} top; "
              f"right: {right_bottom:.1f} bottom, {right_top:.1f} top")
        state.plot(column, fields=("power", "mu", "current"), legend=False)
        column[0].set_title(f"flux {flux:+g} $h/e$ per square, $k_B T / \\gamma$ = {state.thermal_resolution:.2g}")
    for axis in axes.flat:
        axis.label_outer()
    save(figure, "hot_spots_in_the_hall_bar.png", dpi=150)
