// Systems of any shape by nested dissection (`model.dissecting`), LANES energies side by side (`tiles.h`).
//
// In the front of a node stand its own orbitals s and its boundary b, after what its children have added. On the way up, from
// the leaves to the root, with M = E - H - Sigma + i gamma / 2 and S what sites (a diagonal) and leads (Gamma_a f_a) send in:
//
//     K = M_ss^-1,   L = -M_bs K,   U = -K M_sb,   M_bb += L M_sb             (U is L transposed if M is symmetric)
//     T = S_sb + S_ss L^+,   S_bb += Q L^+ + L Q^+,   Q = S_bs + L S_ss / 2
//
// and on the way down, G_bb and N_bb being parts of what has been found for the parent:
//
//     G_sb = U G_bb,   G_bs = G_bb L,   G_ss = K + G_sb L
//     N = G S G^+:   E = K T G_bb^+,   N_sb = E + U N_bb,   N_ss = K S_ss K^+ + H U^+ + U H^+,   H = E + U N_bb / 2
//
// At a leaf without a lead S_ss is a diagonal w and S_sb = 0, and only the diagonal of N_ss is asked for:
//
//     (N_ss)_ii = sum_k (2 Re K_ik G_ik^* - |K_ik|^2) w_k + (U N_bb U^+)_ii
#pragma once
#include "inverse.h"

// As many sizes, and then arrays, as `FRONTS` in kernels.c names; complex numbers are pairs. Elements of the Hamiltonian and
// of the leads are those from `hop_start[v]` and `lead_start[v]` on: own orbital, orbital of the front, which is a later one.
// `_at` are places among what is kept of an energy.
typedef struct {
    num nodes, sites, orbitals, children, places, hops, contacts, leads, energies, groups, symmetric, lead_row, kept_row;
    const num *own, *boundary, *first, *plain, *child_start, *child, *place_start, *place;
    const num *hop_start, *hop_row, *hop_column;
    const double *hop_value;
    const num *hop_bond, *lead_start, *lead_row_at, *lead_column_at, *lead_place, *lead_mirror, *lead_number;
    const num *site;
    const double *onsite;
    const num *inverse_at, *to_boundary_at, *to_own_at, *green_at, *passage_at;
    num widest, saved, stack;
} fronts;

static fronts fronts_of(const num *size, void **at) {
    fronts s = {0};
    memcpy(&s.nodes, size, 13 * sizeof(num));
    memcpy(&s.own, at, 26 * sizeof(void *));
    num height = 0;
    for (num v = 0; v < s.nodes; v++) {
        num own = s.own[v], boundary = s.boundary[v];
        s.widest = own + boundary > s.widest ? own + boundary : s.widest;
        s.saved += own * (own + boundary);
        for (num k = s.child_start[v]; k < s.child_start[v + 1]; k++)
            height -= s.boundary[s.child[k]] * s.boundary[s.child[k]];
        height += boundary * boundary;
        s.stack = height > s.stack ? height : s.stack;
    }
    return s;
}

// Rows and columns of a node's front; U is where it is, or L transposed.
typedef struct {
    num own, boundary, size;
    z *inverse, *to_boundary, *to_own, *green;
    v *passage;
    num own_row, own_step;
} front;

static front front_of(const fronts *s, num v_, z *kept) {
    num own = s->own[v_], boundary = s->boundary[v_];
    front f = {own, boundary, own + boundary, kept + s->inverse_at[v_], kept + s->to_boundary_at[v_],
               kept + s->to_own_at[v_], kept + s->green_at[v_], (v *)(kept + s->passage_at[v_]), boundary, 1};
    if (s->symmetric) f.to_own = f.to_boundary, f.own_row = 1, f.own_step = own;
    return f;
}

// Add matrices of the children, the last of which lies on top of the stack, to a front; where the stack then ends.
static z *add_children(const fronts *s, num v_, z *matrix, num size, z *top) {
    for (num k = s->child_start[v_ + 1] - 1; k >= s->child_start[v_]; k--) {
        num child = s->child[k], count = s->boundary[child];
        const num *place = s->place + s->place_start[child];
        top -= count * count;
        for (num i = 0; i < count; i++) {
            z *row = matrix + place[i] * size;
            for (num j = 0; j < count; j++) row[place[j]] = plus(row[place[j]], top[i * count + j]);
        }
    }
    return top;
}

// The part of a front that is a child's boundary.
static void take_out(const fronts *s, num child, const z *matrix, num size, z *result) {
    num count = s->boundary[child];
    const num *place = s->place + s->place_start[child];
    for (num i = 0; i < count; i++)
        for (num j = 0; j < count; j++) result[i * count + j] = matrix[place[i] * size + place[j]];
}

static void copy_part(const z *from, num from_row, z *to, num to_row, num rows, num columns) {
    for (num i = 0; i < rows; i++) memcpy(to + i * to_row, from + i * from_row, columns * sizeof(z));
}

// Elements below the diagonal from those above it, conjugated or not.
static void mirror(z *a, num a_row, num size, int conjugated) {
    for (num i = 0; i < size; i++)
        for (num j = 0; j < i; j++) {
            z value = a[j * a_row + i];
            a[i * a_row + j] = conjugated ? conjugate(value) : value;
        }
}

// A += X + X^+, then exactly Hermitian.
static void add_with_adjoint(z *a, num a_row, const z *x, num size) {
    for (num i = 0; i < size; i++)
        for (num j = i; j < size; j++) {
            z value = plus(a[i * a_row + j], plus(x[i * size + j], conjugate(x[j * size + i])));
            a[j * a_row + i] = conjugate(value), a[i * a_row + j] = value;
        }
}

// M of a node's front as far as the Hamiltonian and leads go; `own` is E - U - H_ii + i gamma / 2 of every orbital.
static void bare_front(const fronts *s, num v_, const front *f, const z *own, const z *sigma, z *matrix) {
    clear(matrix, f->size * f->size);
    for (num i = 0; i < f->own; i++) matrix[i * (f->size + 1)] = own[s->first[v_] + i];
    for (num h = s->hop_start[v_]; h < s->hop_start[v_ + 1]; h++) {
        z value = negative(everywhere(s->hop_value + 2 * h));
        matrix[s->hop_row[h] * f->size + s->hop_column[h]] = value;
        matrix[s->hop_column[h] * f->size + s->hop_row[h]] = conjugate(value);
    }
    for (num k = s->lead_start[v_]; k < s->lead_start[v_ + 1]; k++) {
        num row = s->lead_row_at[k], column = s->lead_column_at[k];
        z *here = matrix + row * f->size + column, *there = matrix + column * f->size + row;
        *here = minus(*here, sigma[s->lead_place[k]]);
        if (row != column) *there = minus(*there, sigma[s->lead_mirror[k]]);
    }
}

// Up one node: K, L, and U; what stays of M is put on the stack.
static void eliminate_front(const fronts *s, const front *f, z *matrix, z *top, room *work) {
    num own = f->own, boundary = f->boundary, size = f->size;
    z *rest = matrix + own * (size + 1);
    copy_part(matrix, size, f->inverse, own, own, own);
    invert(f->inverse, own, work);
    product(0, f->to_boundary, own, matrix + own * size, size, 1, f->inverse, own, 1, boundary, own, own, 0, 0);
    for (num k = 0; k < boundary * own; k++) f->to_boundary[k] = negative(f->to_boundary[k]);
    if (!s->symmetric) {
        product(0, f->to_own, boundary, f->inverse, own, 1, matrix + own, size, 1, own, boundary, own, 0, 0);
        for (num k = 0; k < own * boundary; k++) f->to_own[k] = negative(f->to_own[k]);
    }
    product(0, rest, size, f->to_boundary, own, 1, matrix + own, size, 1, boundary, boundary, own, 1, (int)s->symmetric);
    if (s->symmetric) mirror(rest, size, boundary, 0);
    copy_part(rest, size, top, boundary, boundary, boundary);
}

// Down one node: G of its front, of which the kept G_bb is a part.
static void fill_front(const fronts *s, const front *f, z *matrix) {
    num own = f->own, boundary = f->boundary, size = f->size;
    z *side = matrix + own, *below = matrix + own * size;
    copy_part(f->green, boundary, below + own, size, boundary, boundary);
    product(0, side, size, f->to_own, f->own_row, f->own_step, f->green, boundary, 1, own, boundary, boundary, 0, 0);
    if (s->symmetric)
        for (num i = 0; i < own; i++)
            for (num j = 0; j < boundary; j++) below[j * size + i] = side[i * size + j];
    else product(0, below, size, f->green, boundary, 1, f->to_boundary, own, 1, boundary, own, boundary, 0, 0);
    copy_part(f->inverse, own, matrix, size, own, own);
    product(0, matrix, size, side, size, 1, f->to_boundary, own, 1, own, own, boundary, 1, (int)s->symmetric);
    if (s->symmetric) mirror(matrix, size, own, 0);
}

// Tr Gamma_a A of every lead, A = i (G - G^+), as far as their elements stand in a front.
static void add_traces(const fronts *s, num v_, num size, num group, const z *rate, const z *matrix, double *trace) {
    for (num k = s->lead_start[v_]; k < s->lead_start[v_ + 1]; k++) {
        num row = s->lead_row_at[k], column = s->lead_column_at[k];
        z here = matrix[column * size + row], there = matrix[row * size + column], gamma = rate[s->lead_place[k]];
        v part = -gamma.re * (here.im + there.im) - gamma.im * (here.re - there.re);
        add_lanes(trace + s->lead_number[k] * s->energies, group, s->energies, row == column ? part : 2 * part);
    }
}

// Green's function: what is kept of it, its diagonal, Tr Gamma_a A of the leads, and the largest norm of an L or U.
static int front_green(const num *size, void **at) {
    fronts fronts = fronts_of(size, at), *s = &fronts;
    const double *energy = at[26], *potential = at[27], *gamma_re = at[28], *gamma_im = at[29];
    double *diagonal = at[33], *trace = at[34], *largest = at[35];
    num energies = s->energies;
    arena w = {0};
    room work = make_room(&w, s->widest);
    z *matrix = take(&w, s->widest * s->widest, sizeof(z)), *own = take(&w, s->orbitals, sizeof(z));
    z *stack = take(&w, s->stack, sizeof(z));
    for (num group = 0; !w.failed && group < s->groups; group++) {
        const z *sigma = (const z *)((double *)at[30] + group * s->lead_row);
        const z *rate = (const z *)((double *)at[31] + group * s->lead_row);
        z *kept = (z *)((double *)at[32] + group * s->kept_row), *top = stack;
        z here = {lanes_of(energy, group, energies), lanes_of(energy + energies, group, energies)};
        v norms = all(0);
        for (num orbital = 0; orbital < s->orbitals; orbital++) {
            num site = s->site[orbital];
            own[orbital].re = here.re - potential[site] - s->onsite[orbital]
                              - 0.5 * lanes_of(gamma_im + site * energies, group, energies);
            own[orbital].im = here.im + 0.5 * lanes_of(gamma_re + site * energies, group, energies);
        }
        for (num node = 0; node < s->nodes; node++) {
            front f = front_of(s, node, kept);
            bare_front(s, node, &f, own, sigma, matrix);
            top = add_children(s, node, matrix, f.size, top);
            eliminate_front(s, &f, matrix, top, &work);
            top += f.boundary * f.boundary;
            norms = larger_norm(norms, f.to_boundary, f.own * f.boundary);
            if (!s->symmetric) norms = larger_norm(norms, f.to_own, f.own * f.boundary);
        }
        mask finite = (mask)(all(0) == 0);
        for (num node = s->nodes - 1; node >= 0; node--) {
            front f = front_of(s, node, kept);
            fill_front(s, &f, matrix);
            add_traces(s, node, f.size, group, rate, matrix, trace);
            for (num k = s->child_start[node]; k < s->child_start[node + 1]; k++)
                take_out(s, s->child[k], matrix, f.size, kept + s->green_at[s->child[k]]);
            for (num i = 0; s->plain[node] && i < f.own; i++)
                for (num k = 0; k < f.own; k++) {
                    z bare = f.inverse[i * f.own + k], full = matrix[i * f.size + k];
                    f.passage[i * f.own + k] = 2 * (bare.re * full.re + bare.im * full.im) - square(bare);
                }
            for (num i = 0; i < f.own; i++) {
                z value = matrix[i * (f.size + 1)];
                double *to = diagonal + 2 * (s->first[node] + i) * energies;
                finite &= (mask)(square(value) <= all(1e300));
                for (num lane = 0; lane < smaller(LANES, energies - group * LANES); lane++)
                    to[2 * (group * LANES + lane)] = value.re[lane], to[2 * (group * LANES + lane) + 1] = value.im[lane];
            }
        }
        for (num lane = 0; lane < smaller(LANES, energies - group * LANES); lane++)
            largest[group * LANES + lane] = finite[lane] ? sqrt(norms[lane]) : NAN;
    }
    return leave(&w);
}

// What sites and leads send in, for one group of energies.
typedef struct {
    const fronts *s;
    num group, energies;
    const double *source, *filling;
    const z *rate;
    z *kept, *matrix, *one, *other;
} sources;

static v source_at(const sources *t, num orbital) {
    return lanes_of(t->source + t->s->site[orbital] * t->energies, t->group, t->energies);
}

static void bare_sources(const sources *t, num node, const front *f, z *matrix) {
    const fronts *s = t->s;
    clear(matrix, f->size * f->size);
    for (num i = 0; i < f->own; i++) matrix[i * (f->size + 1)].re = source_at(t, s->first[node] + i);
    for (num k = s->lead_start[node]; k < s->lead_start[node + 1]; k++) {
        num row = s->lead_row_at[k], column = s->lead_column_at[k];
        v filling = lanes_of(t->filling + s->lead_number[k] * t->energies, t->group, t->energies);
        z value = stretched(t->rate[s->lead_place[k]], filling);
        z *here = matrix + row * f->size + column, *there = matrix + column * f->size + row;
        *here = plus(*here, value);
        if (row != column) *there = plus(*there, conjugate(value));
    }
}

// Up one node: S_ss and T^+ are saved, what stays of S is put on the stack.
static void eliminate_sources(const sources *t, const front *f, z *saved, z *top) {
    num own = f->own, boundary = f->boundary, size = f->size;
    z *below = t->matrix + own * size, *turned = saved + own * own;
    copy_part(t->matrix, size, saved, own, own, own);
    copy_part(below, size, turned, own, boundary, own);
    product(0, turned, own, f->to_boundary, own, 1, saved, own, 1, boundary, own, own, 1, 0);
    for (num i = 0; i < boundary; i++)
        for (num j = 0; j < own; j++)
            t->one[i * own + j] = stretched(plus(below[i * size + j], turned[i * own + j]), all(0.5));
    multiply_adjoint(t->other, t->one, f->to_boundary, boundary, own, boundary, 0);
    add_with_adjoint(below + own, size, t->other, boundary);
    copy_part(below + own, size, top, boundary, boundary, boundary);
}

// Likewise a leaf without a lead: S_bb = L w L^+.
static void eliminate_plain(const sources *t, num node, const front *f, z *top) {
    for (num j = 0; j < f->own; j++) {
        v source = source_at(t, t->s->first[node] + j);
        for (num i = 0; i < f->boundary; i++)
            t->one[i * f->own + j] = stretched(f->to_boundary[i * f->own + j], source);
    }
    multiply_adjoint(top, t->one, f->to_boundary, f->boundary, f->own, f->boundary, 1);
}

// Down one node: N of its front, from N_bb on the stack.
static void fill_sources(const sources *t, const front *f, const z *saved, const z *top) {
    num own = f->own, boundary = f->boundary, size = f->size;
    z *matrix = t->matrix, *side = matrix + own;
    copy_part(top, boundary, matrix + own * (size + 1), size, boundary, boundary);
    multiply_adjoint(t->one, f->inverse, saved + own * own, own, own, boundary, 0);
    product(1, t->other, boundary, t->one, boundary, 1, f->green, 1, boundary, own, boundary, boundary, 0, 0);
    copy_part(t->other, boundary, side, size, own, boundary);
    product(0, side, size, f->to_own, f->own_row, f->own_step, top, boundary, 1, own, boundary, boundary, 1, 0);
    for (num i = 0; i < own; i++)
        for (num j = 0; j < boundary; j++) {
            t->other[i * boundary + j] = stretched(plus(t->other[i * boundary + j], side[i * size + j]), all(0.5));
            matrix[(own + j) * size + i] = conjugate(side[i * size + j]);
        }
    multiply(t->one, f->inverse, saved, own, own, own);
    product(1, matrix, size, t->one, own, 1, f->inverse, 1, own, own, own, own, 0, 1);
    mirror(matrix, size, own, 1);
    product(1, t->one, own, t->other, boundary, 1, f->to_own, f->own_step, f->own_row, own, own, boundary, 0, 0);
    add_with_adjoint(matrix, size, t->one, own);
}

// Likewise the diagonal of N_ss alone, of a leaf without a lead.
static void fill_plain(const sources *t, num node, const front *f, const z *top, double *n) {
    num own = f->own, boundary = f->boundary, first = t->s->first[node];
    v *source = (v *)t->other;
    for (num k = 0; k < own; k++) source[k] = source_at(t, first + k);
    product(0, t->one, boundary, f->to_own, f->own_row, f->own_step, top, boundary, 1, own, boundary, boundary, 0, 0);
    for (num i = 0; i < own; i++) {
        v total = all(0);
        for (num k = 0; k < own; k++) total += f->passage[i * own + k] * source[k];
        for (num j = 0; j < boundary; j++) {
            z a = t->one[i * boundary + j], b = f->to_own[i * f->own_row + j * f->own_step];
            total += a.re * b.re + a.im * b.im;
        }
        add_lanes(n + t->s->site[first + i] * t->energies, t->group, t->energies, total);
    }
}

// Less Tr Gamma_a N, as far as the elements of the leads stand in a front.
static void less_outflow(const sources *t, num node, num size, double *inflow) {
    const fronts *s = t->s;
    for (num k = s->lead_start[node]; k < s->lead_start[node + 1]; k++) {
        num row = s->lead_row_at[k], column = s->lead_column_at[k];
        z gamma = t->rate[s->lead_place[k]], there = t->matrix[row * size + column];
        v part = gamma.re * there.re + gamma.im * there.im;
        add_lanes(inflow + s->lead_number[k] * t->energies, t->group, t->energies, row == column ? -part : -2 * part);
    }
}

// Elements of the Hamiltonian between sites carry 2 Im H_ij N_ji from the later to the earlier one.
static void add_front_flows(const sources *t, num node, num size, double *flows) {
    const fronts *s = t->s;
    for (num h = s->hop_start[node]; h < s->hop_start[node + 1]; h++) {
        if (s->hop_bond[h] < 0) continue;
        z there = t->matrix[s->hop_row[h] * size + s->hop_column[h]];
        const double *value = s->hop_value + 2 * h;
        add_lanes(flows + s->hop_bond[h] * t->energies, t->group, t->energies,
                  2 * (value[1] * there.re - value[0] * there.im));
    }
}

// Occupation that arrives at the sites and what the leads send in; or if `flows` is given, particles on every bond of sites.
// All are added to.
static int through_fronts(const fronts *s, void **at, double *n, double *inflow, double *flows) {
    arena w = {0};
    num wide = s->widest * s->widest;
    z *saved = take(&w, s->saved, sizeof(z)), *stack = take(&w, s->stack, sizeof(z));
    z *matrix = take(&w, wide, sizeof(z)), *one = take(&w, wide, sizeof(z)), *other = take(&w, wide, sizeof(z));
    const double *trace = at[3];
    for (num k = 0; n && k < s->leads * s->energies; k++) inflow[k] += ((double *)at[1])[k] * trace[k];
    for (num group = 0; !w.failed && group < s->groups; group++) {
        sources t = {s, group, s->energies, at[0], at[1], (const z *)((double *)at[2] + group * s->lead_row),
                     (z *)((double *)at[4] + group * s->kept_row), matrix, one, other};
        z *top = stack, *place = saved;
        for (num node = 0; node < s->nodes; node++) {
            front f = front_of(s, node, t.kept);
            if (!flows && s->plain[node]) eliminate_plain(&t, node, &f, top);
            else {
                bare_sources(&t, node, &f, matrix);
                top = add_children(s, node, matrix, f.size, top);
                eliminate_sources(&t, &f, place, top);
            }
            top += f.boundary * f.boundary;
            place += f.own * f.size;
        }
        for (num node = s->nodes - 1; node >= 0; node--) {
            front f = front_of(s, node, t.kept);
            top -= f.boundary * f.boundary;
            place -= f.own * f.size;
            if (!flows && s->plain[node]) {
                fill_plain(&t, node, &f, top, n);
                continue;
            }
            fill_sources(&t, &f, place, top);
            for (num k = s->child_start[node]; k < s->child_start[node + 1]; k++) {
                take_out(s, s->child[k], matrix, f.size, top);
                top += s->boundary[s->child[k]] * s->boundary[s->child[k]];
            }
            if (flows) {
                add_front_flows(&t, node, f.size, flows);
                continue;
            }
            less_outflow(&t, node, f.size, inflow);
            for (num i = 0; i < f.own; i++)
                add_lanes(n + s->site[s->first[node] + i] * s->energies, group, s->energies, matrix[i * (f.size + 1)].re);
        }
    }
    return leave(&w);
}

static int front_occupation(const num *size, void **at) {
    fronts s = fronts_of(size, at);
    return through_fronts(&s, at + 26, at[31], at[32], NULL);
}

static int front_bond_flows(const num *size, void **at) {
    fronts s = fronts_of(size, at);
    return through_fronts(&s, at + 26, NULL, NULL, at[31]);
}
