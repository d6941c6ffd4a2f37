"""Compiled kernels: scans along a chain, all energies side by side.

Arrays have shape (sites, energies); the inner loops run over energies, which are independent, so that they become
vector instructions. A kernel releases the interpreter lock and works on arrays that are its own.
"""

import numpy as np
from numba.extending import intrinsic

from .compiled import compiled
from .vectors import written_along

# Stands for 0 where an energy hits the level of a site that nothing broadens.
_TINY = 1e-150


def _step(w, place, own, a_re, a_im, h, gamma_re, gamma_im, t2, x_re, x_im, behind, rho):
    """One step of a scan: d = a - h + i gamma / 2 - x, and from the state (x, t^2 |g|^2 behind) to the next."""
    builder, half = w.builder, w.constant(0.5)
    old_re, old_im = w.load(x_re, place), w.load(x_im, place)
    d_re = builder.fsub(builder.fsub(w.load(a_re, place), w.all_lanes(h)),
                        w.fma(half, w.load(gamma_im, own), old_re))
    d_im = builder.fsub(w.fma(half, w.load(gamma_re, own), w.load(a_im, place)), old_im)
    square = w.fma(d_re, d_re, builder.fmul(d_im, d_im))
    zero = builder.fcmp_ordered("==", square, w.constant(0))
    d_re = builder.select(zero, w.constant(_TINY), d_re)
    g2 = builder.fdiv(w.all_lanes(t2), builder.select(zero, w.constant(_TINY ** 2), square))
    w.store(w.load(behind, place), rho, own)
    w.store(builder.fmul(g2, d_re), x_re, place)
    w.store(builder.fneg(builder.fmul(g2, d_im)), x_im, place)
    w.store(g2, behind, place)
    return d_re, d_im, old_re, old_im


@intrinsic
def _from_left(context, energies, a_re, a_im, h, gamma_re, gamma_im, row, t2, x_re, x_im, behind, rho,  # noqa: ARG001
               green_re, spectral):
    """A site on the way to the right; until the way back, two results hold |t_{i-1}|^2 g^L_{i-1}."""
    def write(w, place, energies, a_re, a_im, h, gamma_re, gamma_im, row, t2, x_re, x_im, behind, rho,  # noqa: ARG001
              green_re, spectral):
        own = w.builder.add(row, place)
        _, _, left_re, left_im = _step(w, place, own, a_re, a_im, h, gamma_re, gamma_im, t2, x_re, x_im, behind, rho)
        w.store(left_re, green_re, own)
        w.store(left_im, spectral, own)
    return written_along(write, energies, a_re, a_im, h, gamma_re, gamma_im, row, t2, x_re, x_im, behind, rho,
                         green_re, spectral)


@intrinsic
def _from_right(context, energies, a_re, a_im, h, gamma_re, gamma_im, row, t2, x_re, x_im, behind, rho,  # noqa: ARG001
                green_re, spectral, green2):
    """A site on the way back to the left."""
    def write(w, place, energies, a_re, a_im, h, gamma_re, gamma_im, row, t2, x_re, x_im, behind, rho,  # noqa: ARG001
              green_re, spectral, green2):
        builder, own = w.builder, w.builder.add(row, place)
        d_re, d_im, *_ = _step(w, place, own, a_re, a_im, h, gamma_re, gamma_im, t2, x_re, x_im, behind, rho)
        d_re, d_im = builder.fsub(d_re, w.load(green_re, own)), builder.fsub(d_im, w.load(spectral, own))
        square = builder.fdiv(w.constant(1), w.fma(d_re, d_re, builder.fmul(d_im, d_im)))
        w.store(builder.fmul(square, d_re), green_re, own)
        w.store(builder.fmul(builder.fmul(w.constant(2), square), d_im), spectral, own)
        w.store(square, green2, own)
    return written_along(write, energies, a_re, a_im, h, gamma_re, gamma_im, row, t2, x_re, x_im, behind, rho,
                         green_re, spectral, green2)


@compiled
def chain_green(bare_re, bare_im, at_lead, onsite, gamma_re, gamma_im, hopping2):
    """Diagonal of the Green's function of a chain, and the transfer ratios of the two scans.

    With a_i = E - h_i - sum_a Sigma_a + i gamma_i / 2:
    g^L_i = 1 / (a_i - |t_{i-1}|^2 g^L_{i-1}), g^R_i likewise from the right,
    G_ii = 1 / (a_i - |t_{i-1}|^2 g^L_{i-1} - |t_i|^2 g^R_{i+1}).

    Parameters
    ----------
    bare_re, bare_im : arrays of float, shape (1 + places, energies)
        E in row 0, E - sum_a Sigma_a of each place with leads in the others.
    at_lead : array of int, shape (sites,)
        Row of `bare_re` and `bare_im` that holds for a site.
    onsite : array of float, shape (sites,)
        h_i.
    gamma_re, gamma_im : arrays of float, shape (sites, energies)
    hopping2 : array of float, shape (sites - 1,)
        |t_i|^2, t_i the hopping between i and i + 1.

    Returns
    -------
    green_re, spectral, green2 : arrays of float, shape (sites, energies)
        Re G_ii, -2 Im G_ii, |G_ii|^2.
    rho_left, rho_right : arrays of float, shape (sites, energies)
        |t_{i-1}|^2 |g^L_{i-1}|^2 and |t_i|^2 |g^R_{i+1}|^2.
    """
    sites, energies = gamma_re.shape
    green_re, spectral, green2 = np.empty_like(gamma_re), np.empty_like(gamma_re), np.empty_like(gamma_re)
    rho_left, rho_right = np.empty_like(gamma_re), np.empty_like(gamma_re)
    x_re, x_im = np.zeros(energies), np.zeros(energies)  # |t|^2 g of the neighbour behind
    behind = np.zeros(energies)
    for i in range(sites):
        t2 = hopping2[i] if i < sites - 1 else 0.0
        _from_left(energies, bare_re[at_lead[i]], bare_im[at_lead[i]], onsite[i], gamma_re, gamma_im, i * energies, t2,
                   x_re, x_im, behind, rho_left, green_re, spectral)
    x_re[:] = 0.0
    x_im[:] = 0.0
    behind[:] = 0.0
    for i in range(sites - 1, -1, -1):
        t2 = hopping2[i - 1] if i > 0 else 0.0
        _from_right(energies, bare_re[at_lead[i]], bare_im[at_lead[i]], onsite[i], gamma_re, gamma_im, i * energies, t2,
                    x_re, x_im, behind, rho_right, green_re, spectral, green2)
    return green_re, spectral, green2, rho_left, rho_right


@compiled
def chain_dressed(absorbed, elastic, green2, rho_left, rho_right):
    """|G_ii|^2 and the transfer ratios of a chain on which sites return, at every energy, what they scatter.

    With x_i the elastic rate, f_i = n_i / A_i and sources x_i f_i in addition to those of `chain_occupation`,
    eliminated site by site: nothing is subtracted. With w = s + x, all sources when every state is full, and l, r what
    arrives of them,

        l_i = rho^L_i (w + l)_{i-1},    r_i = rho^R_i (w + r)_{i+1}
        c_i = (w + l + r)_i / (s + L + r)_i,    h = 1 + rho^R_i rho^L_{i+1} (c_i - 1),
        dressed rho^L_{i+1} = rho^L_{i+1} c_i / h,    L_{i+1} = dressed rho^L_{i+1} (s + L)_i

    and likewise from the right; dressed |G_ii|^2 = |G_ii|^2 (w + l + r)_i / (s + L + R)_i.

    Parameters
    ----------
    absorbed : array of float, shape (sites, energies)
        s_i: gamma of what absorbs, and Gamma of the leads.
    elastic : array of float, shape (sites, energies)
        x_i.
    green2, rho_left, rho_right : arrays of float, shape (sites, energies)
        From `chain_green`.

    Returns
    -------
    green2, rho_left, rho_right : arrays of float, shape (sites, energies)
        For the same scans; 0 where no electron that is taken elastically can leave again.
    """
    sites, energies = green2.shape
    dressed2 = np.empty_like(green2)
    left, right = np.zeros_like(green2), np.zeros_like(green2)
    from_left, from_right = np.empty_like(green2), np.empty_like(green2)
    plain, carried = np.zeros(energies), np.zeros(energies)
    for i in range(sites - 1, -1, -1):
        for k in range(energies):
            arriving = rho_right[i, k] * plain[k]
            from_right[i, k] = arriving
            plain[k] = absorbed[i, k] + elastic[i, k] + arriving
    plain[:] = 0.0
    for i in range(sites):
        last = i == sites - 1
        for k in range(energies):
            arriving = rho_left[i, k] * plain[k]
            from_left[i, k] = arriving
            plain[k] = absorbed[i, k] + elastic[i, k] + arriving
            # kept for the way back
            dressed2[i, k] = left[i, k] * carried[k]
            carried[k] = absorbed[i, k] + dressed2[i, k]
            full, open_ = plain[k] + from_right[i, k], carried[k] + from_right[i, k]
            c = full / open_ if open_ > 0.0 else 1.0
            if not last:
                h = 1.0 + rho_right[i, k] * rho_left[i + 1, k] * (c - 1.0)
                left[i + 1, k] = rho_left[i + 1, k] * c / h
    plain[:] = 0.0
    carried[:] = 0.0
    for i in range(sites - 1, -1, -1):
        for k in range(energies):
            plain[k] = absorbed[i, k] + elastic[i, k] + from_right[i, k]
            arriving = right[i, k] * carried[k]
            carried[k] = absorbed[i, k] + arriving
            full, open_ = plain[k] + from_left[i, k], carried[k] + from_left[i, k]
            c = full / open_ if open_ > 0.0 else 1.0
            if i > 0:
                h = 1.0 + rho_left[i, k] * rho_right[i - 1, k] * (c - 1.0)
                right[i - 1, k] = rho_right[i - 1, k] * c / h
            open_ = carried[k] + dressed2[i, k]
            dressed2[i, k] = green2[i, k] * full / open_ if open_ > 0.0 else 0.0
    return dressed2, left, right


@compiled
def chain_occupation(source, places, sent, green2, rho_left, rho_right):
    """n_i = sum_j |G_ij|^2 w_j on a chain.

    n_i = |G_ii|^2 (w_i + L_i + R_i), L_i = rho^L_i (w_{i-1} + L_{i-1}), R_i = rho^R_i (w_{i+1} + R_{i+1}).

    Parameters
    ----------
    source : array of float, shape (sites, energies)
        What sites send in, w_i.
    places : array of int
        Sites at which leads send in, too, growing.
    sent : array of float, shape (places, energies)
        What these add to w_i.
    green2, rho_left, rho_right : arrays of float, shape (sites, energies)
        |G_ii|^2, and the ratios from `chain_green`.

    Returns
    -------
    array of float, shape (sites, energies)
    """
    sites, energies = source.shape
    n = np.empty_like(source)
    carried = np.zeros(energies)
    place = 0
    for i in range(sites):
        for k in range(energies):
            carried[k] = source[i, k] + rho_left[i, k] * carried[k]
            n[i, k] = carried[k]
        if place < len(places) and places[place] == i:
            for k in range(energies):
                carried[k] += sent[place, k]
                n[i, k] = carried[k]
            place += 1
    carried[:] = 0.0
    for i in range(sites - 1, -1, -1):
        for k in range(energies):
            arriving = rho_right[i, k] * carried[k]
            n[i, k] = green2[i, k] * (n[i, k] + arriving)
            carried[k] = source[i, k] + arriving
        if place > 0 and places[place - 1] == i:
            place -= 1
            for k in range(energies):
                carried[k] += sent[place, k]
    return n


@compiled
def chain_response(values, source, weight, rho_left, rho_right):
    """sum_k weight_ik sum_j (|G_ij|^2 / |G_ii|^2)_k source_jk values_j on a chain: one Jacobian product.

    Parameters
    ----------
    values : array of float, shape (sites,)
    source, weight, rho_left, rho_right : arrays of float, shape (sites, energies)

    Returns
    -------
    array of float, shape (sites,)
    """
    sites, energies = source.shape
    result = np.empty(sites)
    carried = np.zeros(energies)
    for i in range(sites):
        value = values[i]
        total = 0.0
        for k in range(energies):
            carried[k] = source[i, k] * value + rho_left[i, k] * carried[k]
            total += weight[i, k] * carried[k]
        result[i] = total
    carried[:] = 0.0
    for i in range(sites - 1, -1, -1):
        value = values[i]
        total = 0.0
        for k in range(energies):
            arriving = rho_right[i, k] * carried[k]
            total += weight[i, k] * arriving
            carried[k] = source[i, k] * value + arriving
        result[i] += total
    return result


@compiled
def chain_moments(values, slopes, energies, source, weight, rho_left, rho_right):
    """`chain_response` of several baths whose sources are source_b (values_b + slopes_b E), and its moments in E.

    Parameters
    ----------
    values, slopes : arrays of float, shape (baths, sites)
    energies : array of float, shape (energies,)
    source, weight : arrays of float, shape (baths, sites, energies)
    rho_left, rho_right : arrays of float, shape (sites, energies)

    Returns
    -------
    array of float, shape (2, baths, sites)
        Sums over energies with `weight`, and with `weight` times E.
    """
    baths, sites, count = source.shape
    result = np.zeros((2, baths, sites))
    carried, arriving = np.zeros(count), np.zeros(count)
    for i in range(sites):
        for k in range(count):
            carried[k] = rho_left[i, k] * carried[k]
        for b in range(baths):
            value, slope = values[b, i], slopes[b, i]
            for k in range(count):
                carried[k] += source[b, i, k] * (value + slope * energies[k])
        for b in range(baths):
            total, heat = 0.0, 0.0
            for k in range(count):
                part = weight[b, i, k] * carried[k]
                total += part
                heat += energies[k] * part
            result[0, b, i] = total
            result[1, b, i] = heat
    carried[:] = 0.0
    for i in range(sites - 1, -1, -1):
        for k in range(count):
            arriving[k] = rho_right[i, k] * carried[k]
            carried[k] = arriving[k]
        for b in range(baths):
            total, heat = 0.0, 0.0
            value, slope = values[b, i], slopes[b, i]
            for k in range(count):
                part = weight[b, i, k] * arriving[k]
                total += part
                heat += energies[k] * part
                carried[k] += source[b, i, k] * (value + slope * energies[k])
            result[0, b, i] += total
            result[1, b, i] += heat
    return result
