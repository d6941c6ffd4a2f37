// Scans along a chain, all energies side by side; arrays of shape (sites, energies).
//
// With a_i = E - h_i - sum_a Sigma_a + i gamma_i / 2:
//
//     g^L_i = 1 / (a_i - |t_{i-1}|^2 g^L_{i-1}),  g^R_i likewise from the right,
//     G_ii = 1 / (a_i - |t_{i-1}|^2 g^L_{i-1} - |t_i|^2 g^R_{i+1})
//     rho^L_i = |t_{i-1}|^2 |g^L_{i-1}|^2,  rho^R_i = |t_i|^2 |g^R_{i+1}|^2
#pragma once
#include "vectors.h"

// Stands for 0 where an energy hits the level of a site that nothing broadens.
#define NOT_ZERO 1e-150

// d = a - x, and from the state (x = |t|^2 g and |t|^2 |g|^2 of the neighbour behind) to the next.
typedef struct { double *re, *im, *size; } behind;

INLINE void step(double *d_re, double *d_im, double t2, behind last, num k) {
    double size = *d_re * *d_re + *d_im * *d_im;
    *d_re = size == 0 ? NOT_ZERO : *d_re;
    double g2 = t2 / (size == 0 ? NOT_ZERO * NOT_ZERO : size);
    last.re[k] = g2 * *d_re;
    last.im[k] = -g2 * *d_im;
    last.size[k] = g2;
}

static int chain_green(const num *size, void **at) {
    num sites = size[0], energies = size[1];
    const double *bare_re = at[0], *bare_im = at[1], *onsite = at[3], *gamma_re = at[4], *gamma_im = at[5];
    const double *hopping2 = at[6];
    const num *at_lead = at[2];
    double *green_re = at[7], *spectral = at[8], *green2 = at[9], *rho_left = at[10], *rho_right = at[11];
    arena w = {0};
    double *state = zeros(&w, 3 * energies);
    if (w.failed) return leave(&w);
    behind last = {state, state + energies, state + 2 * energies};
    for (num i = 0; i < sites; i++) {
        const double *a_re = bare_re + at_lead[i] * energies, *a_im = bare_im + at_lead[i] * energies;
        double t2 = i + 1 < sites ? hopping2[i] : 0.0, h = onsite[i];
        num row = i * energies;
        ALONG(k, energies) {
            double d_re = a_re[k] - h - (0.5 * gamma_im[row + k] + last.re[k]);
            double d_im = 0.5 * gamma_re[row + k] + a_im[k] - last.im[k];
            // Until the way back, two results hold |t_{i-1}|^2 g^L_{i-1}.
            green_re[row + k] = last.re[k];
            spectral[row + k] = last.im[k];
            rho_left[row + k] = last.size[k];
            step(&d_re, &d_im, t2, last, k);
        }
    }
    memset(state, 0, 3 * energies * sizeof(double));
    for (num i = sites - 1; i >= 0; i--) {
        const double *a_re = bare_re + at_lead[i] * energies, *a_im = bare_im + at_lead[i] * energies;
        double t2 = i > 0 ? hopping2[i - 1] : 0.0, h = onsite[i];
        num row = i * energies;
        ALONG(k, energies) {
            double d_re = a_re[k] - h - (0.5 * gamma_im[row + k] + last.re[k]);
            double d_im = 0.5 * gamma_re[row + k] + a_im[k] - last.im[k];
            rho_right[row + k] = last.size[k];
            step(&d_re, &d_im, t2, last, k);
            d_re -= green_re[row + k];
            d_im -= spectral[row + k];
            double size = 1.0 / (d_re * d_re + d_im * d_im);
            green_re[row + k] = size * d_re;
            spectral[row + k] = 2.0 * size * d_im;
            green2[row + k] = size;
        }
    }
    return leave(&w);
}

// |G_ii|^2 and the ratios of a chain on which sites return, at every energy, what they scatter: x_i the elastic rate,
// f_i = n_i / A_i, sources x_i f_i in addition, eliminated site by site so that nothing is subtracted. With w = s + x,
// all sources when every state is full, and l, r what arrives of them,
//
//     l_i = rho^L_i (w + l)_{i-1},    r_i = rho^R_i (w + r)_{i+1}
//     c_i = (w + l + r)_i / (s + L + r)_i,    h = 1 + rho^R_i rho^L_{i+1} (c_i - 1),
//     dressed rho^L_{i+1} = rho^L_{i+1} c_i / h,    L_{i+1} = dressed rho^L_{i+1} (s + L)_i
//
// and likewise from the right; dressed |G_ii|^2 = |G_ii|^2 (w + l + r)_i / (s + L + R)_i. 0 where no electron that is
// taken elastically can leave again.
static int chain_dressed(const num *size, void **at) {
    num energies = size[1], all = size[0] * energies;
    const double *absorbed = at[0], *elastic = at[1], *green2 = at[2], *rho_left = at[3], *rho_right = at[4];
    double *dressed2 = at[5], *left = at[6], *right = at[7];
    arena w = {0};
    double *plain = zeros(&w, energies), *carried = zeros(&w, energies);
    double *from_left = take(&w, all, sizeof(double)), *from_right = take(&w, all, sizeof(double));
    if (w.failed || !energies) return leave(&w);
    memset(left, 0, all * sizeof(double));
    memset(right, 0, all * sizeof(double));
    for (num row = all - energies; row >= 0; row -= energies)
        ALONG(k, energies) {
            from_right[row + k] = rho_right[row + k] * plain[k];
            plain[k] = absorbed[row + k] + elastic[row + k] + from_right[row + k];
        }
    memset(plain, 0, energies * sizeof(double));
    for (num row = 0; row < all; row += energies) {
        int more = row + energies < all;
        num next = more ? row + energies : row;
        ALONG(k, energies) {
            from_left[row + k] = rho_left[row + k] * plain[k];
            plain[k] = absorbed[row + k] + elastic[row + k] + from_left[row + k];
            dressed2[row + k] = left[row + k] * carried[k];  // kept for the way back
            carried[k] = absorbed[row + k] + dressed2[row + k];
            double full = plain[k] + from_right[row + k], open = carried[k] + from_right[row + k];
            double c = open > 0 ? full / open : 1.0;
            double h = 1.0 + rho_right[row + k] * rho_left[next + k] * (c - 1.0);
            left[next + k] = more ? rho_left[next + k] * c / h : left[next + k];
        }
    }
    memset(carried, 0, energies * sizeof(double));
    for (num row = all - energies; row >= 0; row -= energies) {
        num next = row > 0 ? row - energies : row;
        ALONG(k, energies) {
            double here = absorbed[row + k] + elastic[row + k] + from_right[row + k];
            carried[k] = absorbed[row + k] + right[row + k] * carried[k];
            double full = here + from_left[row + k], open = carried[k] + from_left[row + k];
            double c = open > 0 ? full / open : 1.0;
            double h = 1.0 + rho_left[row + k] * rho_right[next + k] * (c - 1.0);
            right[next + k] = row > 0 ? rho_right[next + k] * c / h : right[next + k];
            open = carried[k] + dressed2[row + k];
            dressed2[row + k] = open > 0 ? green2[row + k] * full / open : 0.0;
        }
    }
    return leave(&w);
}

// n_i = sum_j |G_ij|^2 w_j = |G_ii|^2 (w_i + L_i + R_i), L_i = rho^L_i (w_{i-1} + L_{i-1}), R_i likewise. Leads send in
// at some places, growing.
static int chain_occupation(const num *size, void **at) {
    num sites = size[0], energies = size[1], leads = size[2], lead = 0;
    const double *source = at[0], *sent = at[2], *green2 = at[3], *rho_left = at[4], *rho_right = at[5];
    const num *places = at[1];
    double *n = at[6];
    arena w = {0};
    double *carried = zeros(&w, energies);
    if (w.failed) return leave(&w);
    for (num i = 0, row = 0; i < sites; i++, row += energies) {
        ALONG(k, energies) n[row + k] = carried[k] = source[row + k] + rho_left[row + k] * carried[k];
        if (lead < leads && places[lead] == i) {
            ALONG(k, energies) n[row + k] = carried[k] += sent[lead * energies + k];
            lead++;
        }
    }
    memset(carried, 0, energies * sizeof(double));
    for (num i = sites - 1, row = i * energies; i >= 0; i--, row -= energies) {
        ALONG(k, energies) {
            double arriving = rho_right[row + k] * carried[k];
            n[row + k] = green2[row + k] * (n[row + k] + arriving);
            carried[k] = source[row + k] + arriving;
        }
        if (lead > 0 && places[lead - 1] == i) {
            lead--;
            ALONG(k, energies) carried[k] += sent[lead * energies + k];
        }
    }
    return leave(&w);
}

// sum_k weight_ik sum_j (|G_ij|^2 / |G_ii|^2)_k source_jk values_j: one product with a Jacobian.
static int chain_response(const num *size, void **at) {
    num sites = size[0], energies = size[1];
    const double *values = at[0], *source = at[1], *weight = at[2], *rho_left = at[3], *rho_right = at[4];
    double *result = at[5];
    arena w = {0};
    double *carried = zeros(&w, energies);
    if (w.failed) return leave(&w);
    for (num i = 0, row = 0; i < sites; i++, row += energies) {
        double value = values[i], total = 0.0;
        PRAGMA(omp simd reduction(+:total))
        for (num k = 0; k < energies; k++) {
            carried[k] = source[row + k] * value + rho_left[row + k] * carried[k];
            total += weight[row + k] * carried[k];
        }
        result[i] = total;
    }
    memset(carried, 0, energies * sizeof(double));
    for (num i = sites - 1, row = i * energies; i >= 0; i--, row -= energies) {
        double value = values[i], total = 0.0;
        PRAGMA(omp simd reduction(+:total))
        for (num k = 0; k < energies; k++) {
            double arriving = rho_right[row + k] * carried[k];
            total += weight[row + k] * arriving;
            carried[k] = source[row + k] * value + arriving;
        }
        result[i] += total;
    }
    return leave(&w);
}

// The same of several baths whose sources are source_b (values_b + slopes_b E), and its moments in E: sums over energies
// with `weight`, and with `weight` times E, shape (2, baths, sites).
static int chain_moments(const num *size, void **at) {
    num baths = size[0], sites = size[1], energies = size[2];
    const double *values = at[0], *slopes = at[1], *energy = at[2], *source = at[3], *weight = at[4];
    double *result = at[7], *heats = result + baths * sites;
    arena w = {0};
    double *carried = zeros(&w, energies), *taken = zeros(&w, energies);
    if (w.failed) return leave(&w);
    memset(result, 0, 2 * baths * sites * sizeof(double));
    for (int back = 0; back < 2; back++) {
        const double *rho = at[5 + back];
        memset(carried, 0, energies * sizeof(double));
        for (num number = 0; number < sites; number++) {
            num i = back ? sites - 1 - number : number;
            ALONG(k, energies) carried[k] = taken[k] = rho[i * energies + k] * carried[k];
            for (num b = 0; b < baths; b++) {
                const double *here = source + (b * sites + i) * energies;
                double value = values[b * sites + i], slope = slopes[b * sites + i];
                ALONG(k, energies) carried[k] += here[k] * (value + slope * energy[k]);
            }
            // A site's own sources reach it once: on the way to the right.
            const double *there = back ? taken : carried;
            for (num b = 0; b < baths; b++) {
                const double *here = weight + (b * sites + i) * energies;
                double total = 0.0, heat = 0.0;
                PRAGMA(omp simd reduction(+:total, heat))
                for (num k = 0; k < energies; k++) {
                    total += here[k] * there[k];
                    heat += energy[k] * here[k] * there[k];
                }
                result[b * sites + i] += total;
                heats[b * sites + i] += heat;
            }
        }
    }
    return leave(&w);
}

// A balance in which what leaves a place goes on from neighbour to neighbour (`numerics.transfer`), eliminated from the
// right: R_i = s + T L_{i+1} with a matrix T over energies that is forgotten on the way; D_i, q_i, u_i are kept.
static int transfer_eliminate(const num *size, void **in) {
    num places = size[0], count = size[1];
    const double *diagonal = in[0], *left = in[1], *right = in[2], *alpha = in[3], *beta = in[4];
    const double *alpha_back = in[5], *beta_back = in[6];
    double *pivot = in[7], *gain = in[8], *back = in[9];
    arena w = {0};
    double *through = zeros(&w, count * count);
    if (w.failed) return leave(&w);
    for (num i = places - 1, at = i * count; i >= 0; i--, at -= count) {
        pivot[i] = diagonal[i];
        for (num k = 0; k < count; k++) {
            double echo = 0.0;
            for (num m = 0; m < count; m++) echo += through[k * count + m] * alpha[at + m];
            pivot[i] -= right[at + k] * echo;
            back[at + k] = alpha_back[at + k] + beta_back[at + k] * echo;
        }
        for (num m = 0; m < count; m++) {
            double total = left[at + m];
            for (num k = 0; k < count; k++) total += right[at + k] * through[k * count + m] * beta[at + m];
            gain[at + m] = total / pivot[i];
        }
        for (num k = 0; k < count; k++)
            for (num m = 0; m < count; m++)
                through[k * count + m] = back[at + k] * gain[at + m]
                                         + beta_back[at + k] * through[k * count + m] * beta[at + m];
    }
    return leave(&w);
}

static int transfer_substitute(const num *size, void **in) {
    num places = size[0], count = size[1];
    const double *b = in[0], *pivot = in[1], *gain = in[2], *back = in[3], *right = in[4], *alpha = in[5], *beta = in[6];
    const double *beta_back = in[7];
    double *v = in[8];
    arena w = {0};
    double *arriving = zeros(&w, count);
    if (w.failed) return leave(&w);
    for (num i = places - 1, at = i * count; i >= 0; i--, at -= count) {
        v[i] = b[i];
        for (num k = 0; k < count; k++) v[i] += right[at + k] * arriving[k];
        v[i] /= pivot[i];
        for (num k = 0; k < count; k++) arriving[k] = back[at + k] * v[i] + beta_back[at + k] * arriving[k];
    }
    memset(arriving, 0, count * sizeof(double));
    for (num i = 0, at = 0; i < places; i++, at += count) {
        for (num k = 0; k < count; k++) v[i] += gain[at + k] * arriving[k];
        for (num k = 0; k < count; k++) arriving[k] = alpha[at + k] * v[i] + beta[at + k] * arriving[k];
    }
    return leave(&w);
}
