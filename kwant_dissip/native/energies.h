// Fermi functions of many sites, sums over the nodes of energy panels, and electrons that exchange quanta with phonons.
// Arrays of shape (sites, energies).
#pragma once
#include "vectors.h"

// A few units in the last place: what terms that cancel leave.
#define ROUNDING 1e-15
// Shifts by more than so many k_B T are far.
#define FAR 30.0

// f(x); f(x) - f(y) = -f(x) (1 - f(y)) (exp(x - y) - 1) keeps all digits.
INLINE double filled(double x) {
    double small = exp(-fabs(x));
    return (x > 0 ? small : 1.0) / (1.0 + small);
}

// f((E - s_i) / T_i) - f(E / T_0) with T_i = T_0 + t_i, to full relative precision however small s_i and t_i are.
// exp(x - y) = exp(-E t_i / (T_0 T_i)) exp(-s_i / T_i): two exponentials per energy and temperature, one per site. Where x
// and y are far apart the plain difference serves: exponentials could overflow there.
static int fermi_difference(const num *size, void **at) {
    num sites = size[0], energies = size[1];
    const double *energy = at[0], *shifts = at[1], *excess = at[2], reference = *(const double *)at[3];
    arena w = {0};
    double *full = zeros(&w, energies), *empty = zeros(&w, energies), last = NAN;
    double *growth = zeros(&w, energies), *drift = zeros(&w, energies);
    char *near = take(&w, energies, 1);
    if (w.failed) return leave(&w);
    int all_near = 0;
    for (num k = 0; k < energies; k++) {
        full[k] = filled(energy[k] / reference);
        empty[k] = filled(-energy[k] / reference);
    }
    for (num i = 0; i < sites; i++) {
        double *row = (double *)at[4] + i * energies, temperature = reference + excess[i];
        if (excess[i] != last) {
            last = excess[i];
            all_near = 1;
            for (num k = 0; k < energies; k++) {
                double difference = -(energy[k] * last / reference) / temperature;
                near[k] = fabs(difference) < 1 && fabs(energy[k] / temperature) < 500;
                growth[k] = near[k] ? exp(energy[k] / temperature) : 1.0;
                drift[k] = near[k] && last != 0 ? expm1(difference) : 0.0;
                all_near &= near[k];
            }
        }
        double offset = shifts[i] / temperature;
        int close = fabs(offset) < FAR;
        double factor = close ? exp(-offset) : 1.0, change = close ? expm1(-offset) : 0.0;
        if (close && all_near) {
            ALONG(k, energies) row[k] = -empty[k] * (drift[k] * factor + change) / (1.0 + growth[k] * factor);
        } else {
            for (num k = 0; k < energies; k++)
                row[k] = close && near[k] ? -empty[k] * (drift[k] * factor + change) / (1.0 + growth[k] * factor)
                                          : filled((energy[k] - shifts[i]) / temperature) - full[k];
        }
    }
    return leave(&w);
}

// Derivative of f((E - s_i) / T_i) with s_i: f (1 - f) / T = y / (1 + y)^2 / T, y = exp(E/T) exp(-s/T).
static int fermi_slope(const num *size, void **at) {
    num sites = size[0], energies = size[1];
    const double *energy = at[0], *shifts = at[1], *temperatures = at[2];
    arena w = {0};
    double *growth = zeros(&w, energies), temperature = NAN, largest = 0.0;
    if (w.failed) return leave(&w);
    int small = 0;
    for (num k = 0; k < energies; k++) largest = fmax(largest, fabs(energy[k]));
    for (num i = 0; i < sites; i++) {
        double *row = (double *)at[3] + i * energies;
        if (temperatures[i] != temperature) {
            temperature = temperatures[i];
            small = largest < 300 * temperature;
            for (num k = 0; k < energies; k++) growth[k] = small ? exp(energy[k] / temperature) : 0.0;
        }
        double offset = shifts[i] / temperature, factor = exp(-offset);
        if (small && fabs(offset) < 300) {
            ALONG(k, energies) {
                double y = growth[k] * factor;
                row[k] = y / ((1.0 + y) * (1.0 + y) * temperature);
            }
        } else {
            for (num k = 0; k < energies; k++) {
                double y = exp(-fabs(energy[k] / temperature - offset));
                row[k] = y / ((1.0 + y) * (1.0 + y) * temperature);
            }
        }
    }
    return leave(&w);
}

// Sums over each panel's nodes of what the bath takes, -E times it, and n, shape (sites, panels):
// sum_k w_k gamma (A f - n) and so on. Errors: the largest absolute value over sites of the same sums with `differences`
// as weights, the first less what rounding makes of the terms; exchange: the largest of sum_k w_k |gamma (A f - n)|.
static int panel_sums(const num *size, void **at) {
    num sites = size[0], panels = size[1], count = size[2];
    const double *rate = at[0], *spectral = at[1], *filling = at[2], *n = at[3];
    double *loss = at[7], *power = at[8], *density = at[9], *errors = at[10], *exchange = at[11];
    memset(errors, 0, 6 * panels * sizeof(double));
    memset(exchange, 0, panels * sizeof(double));
    for (num i = 0; i < sites; i++)
        for (num p = 0; p < panels; p++) {
            num row = (i * panels + p) * count;
            const double *node = (const double *)at[4] + p * count, *w = (const double *)at[5] + p * count;
            const double *d = (const double *)at[6] + p * count, *e = d + panels * count;
            double sum0 = 0, sum1 = 0, sum2 = 0, error0 = 0, error1 = 0, error2 = 0, rough0 = 0, rough1 = 0, rough2 = 0;
            double size0 = 0, size1 = 0, size2 = 0, gross = 0;
            PRAGMA(omp simd reduction(+:sum0, sum1, sum2, error0, error1, error2, rough0, rough1, rough2, size0, \
                                      size1, size2, gross))
            for (num k = 0; k < count; k++) {
                double states = n[row + k], f = filling[row + k], gamma = rate[row + k], a = spectral[row + k];
                double taken = gamma * (a * f - states), size = w[k] * gamma * (a * fabs(f) + fabs(states));
                size0 += size;
                size1 += size * fabs(node[k]);
                size2 += w[k] * fabs(states);
                sum0 += w[k] * taken;
                gross += w[k] * fabs(taken);
                sum1 -= w[k] * node[k] * taken;
                sum2 += w[k] * states;
                error0 += d[k] * taken;
                error1 += d[k] * node[k] * taken;
                error2 += d[k] * states;
                rough0 += e[k] * taken;
                rough1 += e[k] * node[k] * taken;
                rough2 += e[k] * states;
            }
            loss[i * panels + p] = sum0;
            power[i * panels + p] = sum1;
            density[i * panels + p] = sum2;
            exchange[p] = gross > exchange[p] ? gross : exchange[p];
            double found[6] = {fabs(error0) - ROUNDING * fabs(size0), fabs(error1) - ROUNDING * fabs(size1),
                               fabs(error2) - ROUNDING * fabs(size2), fabs(rough0), fabs(rough1), fabs(rough2)};
            for (int part = 0; part < 6; part++)
                if (found[part] > errors[part * panels + p]) errors[part * panels + p] = found[part];
        }
    return 0;
}

// What one mode scatters into states, and that in and out of them together, added; `shift` energies make a quantum w,
// and beyond the ends there are neither electrons nor holes:
//
//     in(E) += D [(N + 1) n(E + w) + N n(E - w)],    out(E) += D [(N + 1) h(E - w) + N h(E + w)],    h = A - n
static int add_scattering(const num *size, void **at) {
    num sites = size[0], energies = size[1], shift = size[2];
    const double *coupling = at[2], *quanta = at[3];
    for (num i = 0; i < sites; i++) {
        double emit = coupling[i] * (quanta[i] + 1.0), absorb = coupling[i] * quanta[i];
        const double *n = (const double *)at[0] + i * energies, *a = (const double *)at[1] + i * energies;
        double *in = (double *)at[4] + i * energies, *both = (double *)at[5] + i * energies;
        if (emit == 0) continue;
        ALONG(k, energies - shift) {
            in[k] += emit * n[k + shift];
            both[k] += emit * n[k + shift] + absorb * (a[k + shift] - n[k + shift]);
        }
        in += shift;
        both += shift;
        ALONG(k, energies - shift) {
            in[k] += absorb * n[k];
            both[k] += absorb * n[k] + emit * (a[k] - n[k]);
        }
    }
    return 0;
}

// How the sources of one mode change with the occupation, at fixed spectral function, added. Particles are conserved:
//
//     result(E) += D [(N + 1 - f(E)) x(E + w) + (N + f(E)) x(E - w)]
static int add_response(const num *size, void **at) {
    num sites = size[0], energies = size[1], shift = size[2];
    for (num i = 0; i < sites; i++) {
        double d = ((const double *)at[2])[i], n = ((const double *)at[3])[i];
        const double *x = (const double *)at[0] + i * energies, *f = (const double *)at[1] + i * energies;
        double *to = (double *)at[4] + i * energies;
        if (d == 0) continue;
        ALONG(k, energies - shift) to[k] += d * (n + 1.0 - f[k]) * x[k + shift];
        to += shift;
        f += shift;
        ALONG(k, energies - shift) to[k] += d * (n + f[k]) * x[k];
    }
    return 0;
}

// Net quanta that one mode gets from electrons that end at an energy: D [(N + 1) n(E + w) h(E) - N n(E) h(E + w)].
static int emitted(const num *size, void **at) {
    num sites = size[0], energies = size[1], shift = size[2];
    const double *coupling = at[2], *quanta = at[3];
    for (num i = 0; i < sites; i++) {
        double emit = coupling[i] * (quanta[i] + 1.0), absorb = coupling[i] * quanta[i];
        const double *n = (const double *)at[0] + i * energies, *a = (const double *)at[1] + i * energies;
        double *to = (double *)at[4] + i * energies;
        num last = energies > shift ? energies - shift : 0;
        ALONG(k, last) to[k] = emit * n[k + shift] * (a[k] - n[k]) - absorb * n[k] * (a[k + shift] - n[k + shift]);
        memset(to + last, 0, (energies - last) * sizeof(double));
    }
    return 0;
}
