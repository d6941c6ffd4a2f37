// Systems in slices of any width, LANES energies side by side (`tiles.h`): Green's function, and what sources send.
//
// With M_i = E - H_ii - Sigma + i gamma / 2:
//
//     g^L_i = (M_i - B_{i-1} H_{i-1,i})^-1,     B_i = H_{i+1,i} g^L_i       left-connected
//     g^R_i = (M_i - C_{i+1} H_{i+1,i})^-1,     C_i = H_{i-1,i} g^R_i       right-connected
//     G_ii  = (M_i - B_{i-1} H_{i-1,i} - C_{i+1} H_{i+1,i})^-1
//
// and with W_i what sites (a diagonal) and leads (Gamma_a f_a) send in:
//
//     X_{i+1} = B_i (W_i + X_i) B_i^+,  Y_{i-1} = C_i (W_i + Y_i) C_i^+     what arrives from the left and the right
//     (G W G^+)_ii = G_ii (W_i + X_i + Y_i) G_ii^+
//
// Hoppings between slices are sparse: their products are sums over hoppings.
#pragma once
#include "inverse.h"

// As many sizes, and then arrays, as `LAYOUT` in kernels.c names; complex numbers are pairs. Hoppings from slice i to i + 1
// are those from hop_start[i] on: orbital in slice i + 1, in slice i, H_{i+1,i}, number of the bond of sites; `bond_...`
// likewise inside slices; `_at` are places of matrices among the elements of an energy.
typedef struct {
    num slices, sites, orbitals, hops, bonds, leads, energies, groups, lead_row, green_row, pass_row;
    const num *width, *green_at, *right_at, *left_at, *first, *site;
    const double *onsite;
    const num *hop_start, *hop_row, *hop_column;
    const double *hop_value;
    const num *hop_bond, *bond_start, *bond_row, *bond_column;
    const double *bond_value;
    const num *bond_number, *lead_start, *lead_number, *lead_first, *lead_place, *lead_at;
    num widest;
} layout;

static layout layout_of(const num *size, void **at) {
    layout s = {0};
    memcpy(&s.slices, size, 11 * sizeof(num));
    memcpy(&s.width, at, 22 * sizeof(void *));
    for (num i = 0; i < s.slices; i++) s.widest = s.width[i] > s.widest ? s.width[i] : s.widest;
    return s;
}

// M_i less what neighbours have passed on; `own` is E - U + i gamma / 2 of every orbital.
static void bare(const layout *s, num i, const z *own, const z *sigma, const z *passed, z *matrix) {
    num width = s->width[i];
    const double *onsite = s->onsite + 2 * s->green_at[i];
    for (num k = 0; k < width * width; k++)
        matrix[k] = (z){-onsite[2 * k] - passed[k].re, -onsite[2 * k + 1] - passed[k].im};
    for (num row = 0; row < width; row++)
        matrix[row * (width + 1)] = plus(matrix[row * (width + 1)], own[s->first[i] + row]);
    for (num number = s->lead_start[i]; number < s->lead_start[i + 1]; number++) {
        num lead = s->lead_number[number], from = s->lead_first[lead], to = s->lead_first[lead + 1];
        const z *element = sigma + s->lead_at[lead];
        for (num row = from; row < to; row++)
            for (num column = from; column < to; column++, element++) {
                z *here = matrix + s->lead_place[row] * width + s->lead_place[column];
                *here = minus(*here, *element);
            }
    }
}

// H g and H g H^+ with hoppings from `start` to `stop`, conjugated if `sign` is -1, and g of `width` orbitals.
static void send(const layout *s, num start, num stop, const num *rows, const num *columns, double sign, num to,
                 num width, const z *g, z *passing, z *passed, char *reached, char *first) {
    memset(reached, 0, to);
    for (num h = start; h < stop; h++) {
        z value = everywhere(s->hop_value + 2 * h);
        value.im = sign * value.im;
        // What comes first to a row does not need it empty.
        first[h] = !reached[rows[h]];
        reached[rows[h]] = 1;
        if (first[h]) scale(passing + rows[h] * width, 1, g + columns[h] * width, 1, width, value);
        else add_scaled(passing + rows[h] * width, 1, g + columns[h] * width, 1, width, value);
    }
    for (num row = 0; row < to; row++)
        if (!reached[row]) {
            clear(passing + row * width, width);
            for (num k = 0; k < to; k++) passed[row + k * to] = zero();
        }
    for (num h = start; h < stop; h++) {
        z value = everywhere(s->hop_value + 2 * h);
        value.im = -sign * value.im;
        if (first[h]) scale(passed + rows[h], to, passing + columns[h], width, to, value);
        else add_scaled(passed + rows[h], to, passing + columns[h], width, to, value);
    }
}

// Green's function on the slices, and how it goes on to their neighbours.
static int block_green(const num *size, void **at) {
    layout layout = layout_of(size, at), *s = &layout;
    const double *energy = at[22], *potential = at[23], *gamma_re = at[24], *gamma_im = at[25];
    double *diagonal = at[30], *largest = at[31];
    num wide = s->widest * s->widest, slices = s->slices, energies = s->energies;
    arena w = {0};
    room work = make_room(&w, s->widest);
    z *matrix = take(&w, wide, sizeof(z)), *passed = take(&w, wide, sizeof(z)), *own = take(&w, s->orbitals, sizeof(z));
    char *first = take(&w, s->hops, 1), *reached = take(&w, s->widest, 1);
    for (num group = 0; !w.failed && group < s->groups; group++) {
        const z *sigma = (const z *)((double *)at[26] + group * s->lead_row);
        z *green = (z *)((double *)at[27] + group * s->green_row);
        z *right = (z *)((double *)at[28] + group * s->pass_row), *left = (z *)((double *)at[29] + group * s->pass_row);
        z here = {lanes_of(energy, group, energies), lanes_of(energy + energies, group, energies)};
        v norms = all(0);
        for (num orbital = 0; orbital < s->orbitals; orbital++) {
            num site = s->site[orbital];
            own[orbital].re = here.re - potential[site] - 0.5 * lanes_of(gamma_im + site * energies, group, energies);
            own[orbital].im = here.im + 0.5 * lanes_of(gamma_re + site * energies, group, energies);
        }
        clear(green, s->width[0] * s->width[0]);
        for (num i = 0; i + 1 < slices; i++) {
            num width = s->width[i], after = s->width[i + 1];
            // Until the way back, the place of G_ii holds B_{i-1} H_{i-1,i}.
            bare(s, i, own, sigma, green + s->green_at[i], matrix);
            invert(matrix, width, &work);
            send(s, s->hop_start[i], s->hop_start[i + 1], s->hop_row, s->hop_column, 1, after, width, matrix,
                 right + s->right_at[i], green + s->green_at[i + 1], reached, first);
            norms = larger_norm(norms, right + s->right_at[i], width * after);
        }
        clear(passed, s->width[slices - 1] * s->width[slices - 1]);
        for (num i = slices - 1; i >= 0; i--) {
            num width = s->width[i];
            z *g = green + s->green_at[i];
            bare(s, i, own, sigma, passed, matrix);
            for (num k = 0; k < width * width; k++) g[k] = minus(matrix[k], g[k]);
            invert(g, width, &work);
            if (i == 0) break;
            num before = s->width[i - 1];
            invert(matrix, width, &work);
            send(s, s->hop_start[i - 1], s->hop_start[i], s->hop_column, s->hop_row, -1, before, width, matrix,
                 left + s->left_at[i], passed, reached, first);
            norms = larger_norm(norms, left + s->left_at[i], width * before);
        }
        for (num lane = 0; lane < smaller(LANES, energies - group * LANES); lane++) {
            num k = group * LANES + lane;
            largest[k] = sqrt(norms[lane]);
            for (num i = 0; i < slices; i++)
                for (num row = 0; row < s->width[i]; row++) {
                    z value = green[s->green_at[i] + row * (s->width[i] + 1)];
                    double *to = diagonal + 2 * ((s->first[i] + row) * energies + k);
                    to[0] = value.re[lane], to[1] = value.im[lane];
                    if (!isfinite(to[0]) || !isfinite(to[1])) largest[k] = NAN;
                }
        }
    }
    return leave(&w);
}

// Gamma_a = i (Sigma_a - Sigma_a^+) of all leads, from their self-energies.
static int lead_rates(const num *size, void **at) {
    layout s = layout_of(size, at);
    for (num group = 0; group < s.groups; group++)
        for (num lead = 0; lead < s.leads; lead++) {
            const z *sigma = (const z *)((double *)at[22] + group * s.lead_row) + s.lead_at[lead];
            z *rate = (z *)((double *)at[23] + group * s.lead_row) + s.lead_at[lead];
            num width = s.lead_first[lead + 1] - s.lead_first[lead];
            for (num row = 0; row < width; row++)
                for (num column = 0; column < width; column++) {
                    z here = sigma[row * width + column], there = sigma[column * width + row];
                    rate[row * width + column] = (z){-here.im - there.im, here.re - there.re};
                }
        }
    return 0;
}

// What sites and leads send in (Gamma_a of the leads is their rate), for one group of energies.
typedef struct {
    const layout *s;
    num group, energies;
    const double *source, *filling;
    const z *rate, *green, *right, *left;
    z *product;
} transport;

static transport transport_of(const layout *s, num group, void **at, z *product) {
    return (transport){s, group, s->energies, at[0], at[1], (const z *)((double *)at[2] + group * s->lead_row),
                       (const z *)((double *)at[3] + group * s->green_row),
                       (const z *)((double *)at[4] + group * s->pass_row),
                       (const z *)((double *)at[5] + group * s->pass_row), product};
}

// Add W_i.
static void add_sources(const transport *t, num i, z *matrix) {
    const layout *s = t->s;
    num width = s->width[i];
    for (num row = 0; row < width; row++)
        matrix[row * (width + 1)].re += lanes_of(t->source + s->site[s->first[i] + row] * t->energies, t->group,
                                                 t->energies);
    for (num number = s->lead_start[i]; number < s->lead_start[i + 1]; number++) {
        num lead = s->lead_number[number], from = s->lead_first[lead], to = s->lead_first[lead + 1];
        const z *rate = t->rate + s->lead_at[lead];
        v filling = lanes_of(t->filling + lead * t->energies, t->group, t->energies);
        for (num row = from; row < to; row++)
            for (num column = from; column < to; column++, rate++) {
                z *here = matrix + s->lead_place[row] * width + s->lead_place[column];
                *here = plus(*here, stretched(*rate, filling));
            }
    }
}

// T M T^+ of a Hermitian M: what a slice of one width sends on to its neighbour of another; may take M's place.
static void pass_on(const z *transfer, num width, num to, const z *matrix, z *result, z *product) {
    multiply(product, transfer, matrix, to, width, width);
    multiply_adjoint(result, product, transfer, to, width, to, 1);
}

static void pass_right(const transport *t, num i, const z *matrix, z *result) {
    pass_on(t->right + t->s->right_at[i], t->s->width[i], t->s->width[i + 1], matrix, result, t->product);
}

static void pass_left(const transport *t, num i, const z *matrix, z *result) {
    pass_on(t->left + t->s->left_at[i], t->s->width[i], t->s->width[i - 1], matrix, result, t->product);
}

// W_i + X_i of every slice, at the places of G_ii.
static void from_left(const transport *t, z *arrived) {
    const layout *s = t->s;
    clear(arrived, s->width[0] * s->width[0]);
    for (num i = 0; i < s->slices; i++) {
        add_sources(t, i, arrived + s->green_at[i]);
        if (i + 1 < s->slices) pass_right(t, i, arrived + s->green_at[i], arrived + s->green_at[i + 1]);
    }
}

// G_ii (W + X + Y)_i into the product, from what has arrived from the left and arrives from the right.
static void all_at(const transport *t, num i, const z *arrived, const z *arriving, z *total) {
    num width = t->s->width[i], at = t->s->green_at[i];
    for (num k = 0; k < width * width; k++) total[k] = plus(arrived[at + k], arriving[k]);
    multiply(t->product, t->green + at, total, width, width, width);
}

// Tr Gamma_a (A f_a - G^n), with G^n = (G W) G^+ where the lead couples.
static void add_inflow(const transport *t, num lead, const z *green, num width, double *inflow) {
    const layout *s = t->s;
    num from = s->lead_first[lead], to = s->lead_first[lead + 1];
    const z *rate = t->rate + s->lead_at[lead];
    v filling = lanes_of(t->filling + lead * t->energies, t->group, t->energies), total = all(0);
    for (num i = from; i < to; i++)
        for (num j = from; j < to; j++, rate++) {
            // Element (column, row) of what is in brackets meets element (row, column) of Gamma. A = i (G - G^+).
            num row = s->lead_place[i], column = s->lead_place[j];
            z filled = dot(t->product + column * width, green + row * width, width);
            z here = green[column * width + row], there = green[row * width + column];
            v re = -(here.im + there.im) * filling - filled.re, im = (here.re - there.re) * filling - filled.im;
            total += rate->re * re - rate->im * im;
        }
    add_lanes(inflow + lead * t->energies, t->group, t->energies, total);
}

// What elements of the Hamiltonian from `first` to `last` carry: 2 Im H_ij G^n_ji.
static void add_flows(const transport *t, num first, num last, const num *rows, const num *columns,
                      const double *values, const num *bonds, num inner, const z *green, double *flows) {
    for (num h = first; h < last; h++) {
        z filled = dot(t->product + rows[h] * inner, green + columns[h] * inner, inner);
        add_lanes(flows + bonds[h] * t->energies, t->group, t->energies,
                  2 * (values[2 * h] * filled.im - values[2 * h + 1] * filled.re));
    }
}

// Occupation that arrives at the sites and what the leads send in; or if `flows` is given, particles on every bond of
// sites, from the later to the earlier one. Between slices
// G^n_{i,i-1} = G_ii [B_{i-1} (W + X)_{i-1} + (W + Y)_i C_i^+] G_{i-1,i-1}^+. All are added to.
static int transported(const layout *s, void **at, double *n, double *inflow, double *flows) {
    arena w = {0};
    num wide = s->widest * s->widest;
    z *arrived = take(&w, s->green_row, sizeof(double)), *arriving = take(&w, wide, sizeof(z));
    z *product = take(&w, wide, sizeof(z)), *total = take(&w, wide, sizeof(z));
    for (num group = 0; !w.failed && group < s->groups; group++) {
        transport t = transport_of(s, group, at, product);
        from_left(&t, arrived);
        clear(arriving, wide);
        for (num i = s->slices - 1; i >= 0; i--) {
            num width = s->width[i], before = i ? s->width[i - 1] : 0;
            const z *g = t.green + s->green_at[i];
            all_at(&t, i, arrived, arriving, total);
            if (flows)
                add_flows(&t, s->bond_start[i], s->bond_start[i + 1], s->bond_row, s->bond_column, s->bond_value,
                          s->bond_number, width, g, flows);
            for (num row = 0; n && row < width; row++)
                add_lanes(n + s->site[s->first[i] + row] * s->energies, group, s->energies,
                          dot(product + row * width, g + row * width, width).re);
            for (num number = s->lead_start[i]; n && number < s->lead_start[i + 1]; number++)
                add_inflow(&t, s->lead_number[number], g, width, inflow);
            if (!i) break;
            add_sources(&t, i, arriving);
            if (flows) {
                multiply_adjoint(total, arriving, t.left + s->left_at[i], width, width, before, 0);
                multiply(product, t.right + s->right_at[i - 1], arrived + s->green_at[i - 1], width, before, before);
                for (num k = 0; k < width * before; k++) total[k] = plus(total[k], product[k]);
                multiply(product, g, total, width, width, before);
                add_flows(&t, s->hop_start[i - 1], s->hop_start[i], s->hop_row, s->hop_column, s->hop_value,
                          s->hop_bond, before, t.green + s->green_at[i - 1], flows);
            }
            pass_left(&t, i, arriving, arriving);
        }
    }
    return leave(&w);
}

static int block_occupation(const num *size, void **at) {
    layout s = layout_of(size, at);
    return transported(&s, at + 22, at[28], at[29], NULL);
}

static int block_bond_flows(const num *size, void **at) {
    layout s = layout_of(size, at);
    return transported(&s, at + 22, NULL, NULL, at[28]);
}

// X_i and Y_i of every slice, at the places of G_ii.
static int block_arrivals(const num *size, void **at) {
    layout layout = layout_of(size, at), *s = &layout;
    arena w = {0};
    num wide = s->widest * s->widest;
    z *arriving = take(&w, wide, sizeof(z)), *product = take(&w, wide, sizeof(z));
    for (num group = 0; !w.failed && group < s->groups; group++) {
        transport t = transport_of(s, group, at + 22, product);
        for (int side = 0; side < 2; side++) {
            z *result = (z *)((double *)at[28 + side] + group * s->green_row);
            clear(arriving, wide);
            for (num k = 0; k < s->slices; k++) {
                num i = side ? s->slices - 1 - k : k;
                memcpy(result + s->green_at[i], arriving, s->width[i] * s->width[i] * sizeof(z));
                if (k + 1 == s->slices) break;
                add_sources(&t, i, arriving);
                if (side) pass_left(&t, i, arriving, arriving);
                else pass_right(&t, i, arriving, arriving);
            }
        }
    }
    return leave(&w);
}

static void add_squares(const transport *t, num i, num j, const z *matrix, double *result) {
    const layout *s = t->s;
    num lanes = smaller(LANES, t->energies - t->group * LANES);
    for (num row = 0; row < s->width[i]; row++) {
        num to = s->site[s->first[i] + row];
        v taken = lanes_of(t->filling + to * t->energies, t->group, t->energies);
        for (num column = 0; column < s->width[j]; column++, matrix++) {
            num from = s->site[s->first[j] + column];
            v part = taken * lanes_of(t->source + from * t->energies, t->group, t->energies) * square(*matrix);
            for (num lane = 0; lane < lanes; lane++) result[to * s->sites + from] += part[lane];
        }
    }
}

// sum_k absorbed_ik |G_ij|^2_k source_jk between all sites, summed over energies, added to the result: `absorbed` stands
// in place of the leads' filling. G_{i,j-1} = G_ij B_{j-1} to the left of i, G_{i,j+1} = G_ij C_{j+1} to its right.
static int block_exchange(const num *size, void **at) {
    layout layout = layout_of(size, at), *s = &layout;
    arena w = {0};
    num wide = s->widest * s->widest;
    z *here = take(&w, wide, sizeof(z)), *there = take(&w, wide, sizeof(z));
    for (num group = 0; !w.failed && group < s->groups; group++) {
        transport t = transport_of(s, group, at + 22, NULL);
        for (num i = 0; i < s->slices; i++) {
            const z *g = t.green + s->green_at[i];
            add_squares(&t, i, i, g, at[28]);
            for (int step = -1; step <= 1; step += 2) {
                memcpy(here, g, s->width[i] * s->width[i] * sizeof(z));
                for (num j = i + step; j >= 0 && j < s->slices; j += step) {
                    multiply(there, here, step < 0 ? t.right + s->right_at[j] : t.left + s->left_at[j], s->width[i],
                             s->width[j - step], s->width[j]);
                    z *swapped = here;
                    here = there, there = swapped;
                    add_squares(&t, i, j, here, at[28]);
                }
            }
        }
    }
    return leave(&w);
}
