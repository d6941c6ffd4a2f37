"""Scans along a chain, all energies side by side (`chain.h`). Arrays have shape (sites, energies)."""

import numpy as np

from . import KERNELS

# What `chain_green` returns.
Green = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def chain_green(bare_re: np.ndarray, bare_im: np.ndarray, at_lead: np.ndarray, onsite: np.ndarray, gamma_re: np.ndarray,
                gamma_im: np.ndarray, hopping2: np.ndarray) -> Green:
    """Diagonal of the Green's function of a chain, and the transfer ratios of the two scans.

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
    green_re, spectral, green2, rho_left, rho_right = (np.empty_like(gamma_re) for _ in range(5))
    KERNELS["chain_green"]((*gamma_re.shape, len(bare_re), len(hopping2)), bare_re, bare_im, at_lead, onsite, gamma_re,
                           gamma_im, hopping2, green_re, spectral, green2, rho_left, rho_right)
    return green_re, spectral, green2, rho_left, rho_right


def chain_dressed(absorbed: np.ndarray, elastic: np.ndarray, green2: np.ndarray, rho_left: np.ndarray,
                  rho_right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """|G_ii|^2 and the transfer ratios of a chain on which sites return, at every energy, what they scatter.

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
    dressed = np.empty_like(green2), np.empty_like(green2), np.empty_like(green2)
    KERNELS["chain_dressed"](green2.shape, absorbed, elastic, green2, rho_left, rho_right, *dressed)
    return dressed


def chain_occupation(source: np.ndarray, places: np.ndarray, sent: np.ndarray, green2: np.ndarray, rho_left: np.ndarray,
                     rho_right: np.ndarray) -> np.ndarray:
    """n_i = sum_j |G_ij|^2 w_j on a chain.

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
    n = np.empty_like(source)
    KERNELS["chain_occupation"]((*source.shape, len(places)), source, places, sent, green2, rho_left, rho_right, n)
    return n


def chain_response(values: np.ndarray, source: np.ndarray, weight: np.ndarray, rho_left: np.ndarray,
                   rho_right: np.ndarray) -> np.ndarray:
    """sum_k weight_ik sum_j (|G_ij|^2 / |G_ii|^2)_k source_jk values_j on a chain: one Jacobian product.

    Parameters
    ----------
    values : array of float, shape (sites,)
    source, weight, rho_left, rho_right : arrays of float, shape (sites, energies)

    Returns
    -------
    array of float, shape (sites,)
    """
    result = np.empty(len(source))
    KERNELS["chain_response"](source.shape, values, source, weight, rho_left, rho_right, result)
    return result


def chain_moments(values: np.ndarray, slopes: np.ndarray, energies: np.ndarray, source: np.ndarray, weight: np.ndarray,
                  rho_left: np.ndarray, rho_right: np.ndarray) -> np.ndarray:
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
    result = np.empty((2, *source.shape[:2]))
    KERNELS["chain_moments"](source.shape, values, slopes, energies, source, weight, rho_left, rho_right, result)
    return result
