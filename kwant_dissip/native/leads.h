// Leads whose orbitals couple to few others: banded matrices Q(lambda) = V^+ lambda + V / lambda + H - E.
//
// Determinants and null vectors at LANES lambdas at once. Q is eliminated without exchanges of rows, a row at a time; what
// is left of the next rows, as many as the band is wide, is all that is kept. A small pivot costs accuracy, which is
// checked in the end. A band has for each row k the entries (k, k - W ... k), then (k - W ... k - 1, k) of H, V and V^+.
#pragma once
#include "inverse.h"

#define WIDEST 8
// Numbers of an entry: real and imaginary parts of what H, V and V^+ have there.
#define ENTRY 6
#define BY_WIDTH(call) switch (width) { case 1: call(1); break; case 2: call(2); break; case 3: call(3); break; \
                                        case 4: call(4); break; case 6: call(6); break; default: call(8); }

// One root that changes by less than this part of itself is found.
#define FOUND 1e-12
// So is one, after so many steps, that changes by little, and not by less than before: this is rounding.
#define PATIENCE 40
#define CLOSE 1e-6
#define SLOWER 0.7
// Where modes are nearly dependent, rounding leaves more. In the end it is enough to know a root to this part of its
// distance from the unit circle, or as well as a double root there: what follows from it is improved and checked.
#define ENOUGH 0.2
#define DOUBLE_ROOT 1e-8
// Largest factor by which one changes in a step.
#define LEAP 8.0
// |lambda| within this of 1 propagates; modes on the circle closer than this are those of bands that cross.
#define ON_CIRCLE 1e-7
#define CROSSING 1e-6
// Steps to all roots from a guess, and from those of another energy; searches from a guess that may fail before the rest
// is given up, if none has been successful.
#define FROM_GUESS 400
#define FROM_NEAR 80
#define FAILURES 3
// How well a self-energy must solve its equation, and how little it may emit, relative to the largest element of both
// itself and V; how well it solves it after as many steps as needed, the most, and the error after one that serves.
#define TOLERANCE 1e-9
#define SOLVED 1e-11
#define STEPS 100
#define SERVES 0.97
// Least part of a mode, orthogonal to slower ones, that counts; what is less than LITTLE is made orthogonal once more.
#define LEAST_PART 1e-6
#define LITTLE 1e-2

typedef struct { z q, slope; } pair;  // an element of Q, and lambda times its derivative

// Row and column k of Q: entries (k, k - W ... k), then (k - W ... k - 1, k).
INLINE void border(const int width, const double *band, num k, z factor, z over, z energy, pair *line) {
    const double *entry = band + k * (2 * width + 1) * ENTRY;
    UNROLLED for (int number = 0; number < 2 * width + 1; number++, entry += ENTRY) {
        z up = times(everywhere(entry + 4), factor), down = times(everywhere(entry + 2), over);
        line[number].q = plus(plus(up, down), everywhere(entry));
        line[number].slope = minus(up, down);
    }
    line[width].q = minus(line[width].q, energy);
}

INLINE void corner_of(const int width, const double *band, z factor, z over, z energy, pair corner[][WIDEST]) {
    pair line[2 * WIDEST + 1];
    for (int k = 0; k < width; k++) {
        border(width, band, k, factor, over, energy, line);
        for (int j = 0; j <= k; j++) corner[k][j] = line[width - k + j];
        for (int i = 0; i < k; i++) corner[i][k] = line[2 * width + 1 - k + i];
    }
}

// lambda d log det Q / d lambda.
INLINE z log_derivative(const int width, const double *band, num rows, z factor, z energy) {
    pair corner[WIDEST][WIDEST], line[2 * WIDEST + 1], above[WIDEST + 1];
    z over = reciprocal(factor), total = zero();
    corner_of(width, band, factor, over, energy, corner);
    for (num k = 0; k < rows; k++) {
        border(width, band, k + width, factor, over, energy, line);
        UNROLLED for (int j = 0; j < width; j++) above[j] = corner[0][j];
        above[width] = line[width + 1];
        z pivot = reciprocal(above[0].q);
        total = plus_product(total, above[0].slope, pivot);
        UNROLLED for (int i = 1; i <= width; i++) {
            pair first = i < width ? corner[i][0] : line[0];
            z part = negative(times(first.q, pivot));
            z change = negative(times(plus_product(first.slope, part, above[0].slope), pivot));
            UNROLLED for (int j = 1; j <= width; j++) {
                pair old = i == width ? line[j] : j == width ? line[width + 1 + i] : corner[i][j];
                corner[i - 1][j - 1].q = plus_product(old.q, part, above[j].q);
                corner[i - 1][j - 1].slope = plus_product(plus_product(old.slope, part, above[j].slope), change,
                                                          above[j].q);
            }
        }
    }
    return total;
}

// Triangular factors of Q: for each row 1 / pivot, what is right of it, and minus the multiples of it below.
INLINE void factorise(const int width, const double *band, num rows, z factor, z energy, z *out) {
    pair corner[WIDEST][WIDEST], line[2 * WIDEST + 1];
    z over = reciprocal(factor);
    corner_of(width, band, factor, over, energy, corner);
    for (num k = 0; k < rows; k++, out += 2 * width + 1) {
        border(width, band, k + width, factor, over, energy, line);
        out[0] = reciprocal(corner[0][0].q);
        UNROLLED for (int j = 1; j <= width; j++) out[j] = j < width ? corner[0][j].q : line[width + 1].q;
        UNROLLED for (int i = 1; i <= width; i++) {
            z part = negative(times(i < width ? corner[i][0].q : line[0].q, out[0]));
            out[width + i] = part;
            UNROLLED for (int j = 1; j <= width; j++) {
                z old = i == width ? line[j].q : j == width ? line[width + 1 + i].q : corner[i][j].q;
                corner[i - 1][j - 1].q = plus_product(old, part, out[j]);
            }
        }
    }
}

// Q^-1 x in place of x, of `rows` elements and as many zeros as the band is wide; the sum of |x|^2.
INLINE v substitute(const int width, z *x, const z *factors, num rows) {
    v total = all(0);
    for (num k = 0; k < rows; k++)
        UNROLLED for (int i = 1; i <= width; i++)
            x[k + i] = plus_product(x[k + i], factors[k * (2 * width + 1) + width + i], x[k]);
    for (int i = 0; i < width; i++) x[rows + i] = zero();
    for (num k = rows - 1; k >= 0; k--) {
        z value = x[k];
        UNROLLED for (int i = 1; i <= width; i++)
            value = less_product(value, factors[k * (2 * width + 1) + i], x[k + i]);
        x[k] = times(value, factors[k * (2 * width + 1)]);
        total += square(x[k]);
    }
    return total;
}

static z log_derivative_of(num width, const double *band, num rows, z factor, z energy) {
    z found;
#define CALL(w) found = log_derivative(w, band, rows, factor, energy)
    BY_WIDTH(CALL)
#undef CALL
    return found;
}

static v null_vectors(num width, const double *band, num rows, z factor, z energy, z *factors, z *x) {
    v size;
#define CALL(w) factorise(w, band, rows, factor, energy, factors); size = substitute(w, x, factors, rows)
    BY_WIDTH(CALL)
#undef CALL
    return size;
}

// All lambdas at which Q is singular, improved together in `most` steps or fewer; whether they are found.
//
// With k of them inside the unit circle, or on it, and k outside, or on it, det Q = c lambda^-k prod_i (lambda - l_i), so
//
//     lambda d log det Q / d lambda = sum_i (lambda + l_i) / (2 (lambda - l_i)).
//
// If all others are known, this gives one; taken for one after the other, that is the method of Ehrlich and Aberth (Bini
// and Noferini, Linear Algebra and its Applications 439, 1130 (2013)): of third order, and it knows no difference between
// lambda and 1 / lambda. Two that are equal are found, too, three times closer after each step. `active` and `before`
// are work space for as many.
static int improve(double complex *roots, num count, const double *band, num rows, double re, double im, num width,
                   num most, num *active, double *before) {
    num left = count;
    z energy = {all(re), all(im)};
    for (num k = 0; k < count; k++) {
        active[k] = k;
        before[k] = INFINITY;
    }
    for (num step = 0; step < most && left; step++) {
        num still = 0;
        for (num first = 0; first < left; first += LANES) {
            z here;
            for (int lane = 0; lane < LANES; lane++) {
                double complex root = roots[active[smaller(first + lane, left - 1)]];
                here.re[lane] = creal(root);
                here.im[lane] = cimag(root);
            }
            z total = log_derivative_of(width, band, rows, here, energy);
            for (num k = 0; k < count; k++) {  // an equal one counts as itself
                z other = everywhere((const double *)(roots + k)), difference = minus(here, other);
                v size = square(difference), over = choice((mask)(size == 0), all(0), -0.5 / size);
                total = plus_product(total, plus(here, other), (z){difference.re * over, -(difference.im * over)});
            }
            for (num lane = 0; lane < smaller(LANES, left - first); lane++) {
                num k = active[first + lane];
                double complex twice = 2 * (total.re[lane] + I * total.im[lane]), change = (twice - 1) / (twice + 1);
                double size = cabs(change), moved = cabs(change - 1);
                if (size > LEAP) change *= LEAP / size;
                else if (size * LEAP < 1) change /= LEAP * size;
                if (!isfinite(creal(change)) || !isfinite(cimag(change))) return 0;
                roots[k] *= change;
                int rounding = step > PATIENCE && SLOWER * before[k] < moved && moved < CLOSE;
                if (!(moved <= FOUND || rounding)) active[still++] = k;
                before[k] = moved;
            }
        }
        left = still;
    }
    for (num number = 0; number < left; number++) {
        num k = active[number];
        double away = fmin(fabs(cabs(roots[k]) - 1), 1);
        if (!(before[k] < fmax(ENOUGH * away, DOUBLE_ROOT))) return 0;
    }
    return 1;
}

// A lead: n orbitals, m of them on the interface, `rank` roots inside the unit circle and as many outside; `bonds` elements
// of V that are not 0, each its row and column and its strength; the place of each orbital in the band; H. Searches start
// from `guess`, or from the roots found last, parted by factors close to 1: roots may be equal, or held on the circle.
typedef struct {
    num n, m, rank, width, bonds, groups;
    const double *band, *cell;
    const num *place, *bond;
    const double *strength, *starts;
    const double complex *guess, *apart;
} lead;

typedef struct {
    num *active, *wanted, known, failed;
    double *before, *flows;
    z *x, *factors, *u, *images, *green, *reached, *further;
    double complex *last, *roots, *modes, *image;  // roots and modes of LANES energies
    char *moving;
    room inverse;
} lead_room;

// -2 Im u^+ V^+ u lambda: what a mode carries away.
static double flow(const lead *l, const double complex *mode, double complex root) {
    double complex total = 0;
    num line = 2 * l->width + 1;
    for (num k = 0; k < l->n; k++)
        for (num number = 0; number < line; number++) {
            num i = number <= l->width ? k : k - line + number, j = number <= l->width ? k - l->width + number : k;
            if (i < 0 || j < 0) continue;
            const double *at = l->band + (k * line + number) * ENTRY + 4;
            total += conj(mode[i]) * (at[0] + I * at[1]) * mode[j];
        }
    return -2 * cimag(total * root);
}

// Modes of one energy that decay (flow inf) or propagate, and what these carry away; 0 or less for those that grow or
// lead back. Whether the number of those that decay or lead away is right, and none that leads away has the same lambda
// as one that leads back.
static int choose(const lead *l, const double complex *roots, double re, double im, double complex *modes,
                  double *flows, lead_room *w) {
    num count = 2 * l->rank, total = 0, chosen = 0;
    for (num k = 0; k < count; k++) {
        double size = cabs(roots[k]);
        w->moving[k] = im == 0 && fabs(size - 1) < ON_CIRCLE;
        flows[k] = size < 1 && !w->moving[k] ? INFINITY : 0.0;
        if (size < 1 || w->moving[k]) w->wanted[total++] = k;
    }
    for (num first = 0; first < total; first += LANES) {
        z here;
        for (int lane = 0; lane < LANES; lane++) {
            num k = w->wanted[smaller(first + lane, total - 1)];
            here.re[lane] = creal(roots[k]);
            here.im[lane] = cimag(roots[k]);
            // Different for each, so that equal roots have different modes; further steps would make these parallel.
            for (num i = 0; i < l->n; i++) w->x[i].re[lane] = l->starts[i * count + k];
        }
        for (num i = 0; i < l->n; i++) w->x[i].im = all(0);
        clear(w->x + l->n, l->width);
        v size = null_vectors(l->width, l->band, l->n, here, (z){all(re), all(im)}, w->factors, w->x);
        for (num lane = 0; lane < smaller(LANES, total - first); lane++) {
            num k = w->wanted[first + lane];
            double scaling = 1 / sqrt(size[lane]);
            for (num i = 0; i < l->n; i++)
                modes[k * l->n + i] = scaling * (w->x[i].re[lane] + I * w->x[i].im[lane]);
            if (w->moving[k]) flows[k] = flow(l, modes + k * l->n, roots[k]);
        }
    }
    for (num k = 0; k < count; k++) {
        chosen += flows[k] > 0;
        for (num other = 0; w->moving[k] && flows[k] > 0 && other < count; other++)
            if (w->moving[other] && !(flows[other] > 0) && cabs(roots[k] - roots[other]) < CROSSING) return 0;
    }
    return 2 * chosen == count;
}

// Modes at one energy per lane, each search starting from the roots found last; sets where all are found.
static void search(const lead *l, const double *re, const double *im, char *good, lead_room *w) {
    num count = 2 * l->rank;
    for (int lane = 0; lane < LANES; lane++) {
        double complex *roots = w->roots + lane * count;
        int found = 0;
        for (int guessed = !w->known; guessed < 2 && !found && (w->known || w->failed < FAILURES); guessed++) {
            for (num k = 0; k < count; k++) roots[k] = guessed ? l->guess[k] : w->last[k] * l->apart[k];
            found = improve(roots, count, l->band, l->n, re[lane], im[lane], l->width,
                            guessed ? FROM_GUESS : FROM_NEAR, w->active, w->before);
        }
        if (found) memcpy(w->last, roots, count * sizeof *roots);
        w->known |= found;
        w->failed += !found;
        good[lane] = found && choose(l, roots, re[lane], im[lane], w->modes + lane * count * l->n,
                                     w->flows + lane * count, w);
    }
}

// Modes u and their images V^+ u lambda on the interface as elements, one in each row, the slowest first; 0 where they
// are not known.
static void side_by_side(const lead *l, const char *good, lead_room *w) {
    clear(w->u, l->rank * l->m);
    clear(w->images, l->rank * l->m);
    for (int lane = 0; lane < LANES; lane++) {
        num total = 0;
        const double complex *roots = w->roots + lane * 2 * l->rank;
        for (num k = 0; good[lane] && k < 2 * l->rank; k++) {
            if (!(w->flows[lane * 2 * l->rank + k] > 0)) continue;
            num at = total++;
            for (; at && w->before[at - 1] < cabs(roots[k]); at--)
                w->wanted[at] = w->wanted[at - 1], w->before[at] = w->before[at - 1];
            w->wanted[at] = k, w->before[at] = cabs(roots[k]);
        }
        for (num row = 0; row < total; row++) {
            num k = w->wanted[row];
            const double complex *mode = w->modes + (lane * 2 * l->rank + k) * l->n;
            double size = 0.0;
            for (num i = 0; i < l->m; i++) {
                size += creal(mode[l->place[i]] * conj(mode[l->place[i]]));
                w->image[i] = 0;
            }
            for (num b = 0; b < l->bonds; b++)
                w->image[l->bond[2 * b + 1]] += (l->strength[2 * b] - I * l->strength[2 * b + 1])
                                                * mode[l->place[l->bond[2 * b]]];
            double scaling = 1 / sqrt(size);
            for (num i = 0; i < l->m; i++) {
                double complex part = scaling * mode[l->place[i]], image = scaling * roots[k] * w->image[i];
                z *u = w->u + row * l->m + i, *z_ = w->images + row * l->m + i;
                u->re[lane] = creal(part), u->im[lane] = cimag(part);
                z_->re[lane] = creal(image), z_->im[lane] = cimag(image);
            }
        }
    }
}

// Self-energy from modes: with the u as columns of U and Z their images, Sigma U = Z. In a field modes may be nearly
// dependent, and what is left of them after rounding is wrong. So they are made orthonormal, U = Q R, the slowest first;
// those of which little remains are left out; and Sigma = Z R^-1 Q^+.
static void from_modes(z *modes, z *images, num count, num size, z *sigma) {
    for (num j = 0; j < count; j++) {
        z *mode = modes + j * size, *image = images + j * size;
        v kept = all(0);
        for (int again = 0, little = 1; again < 2 && little; again++) {
            for (num k = 0; k < j; k++) {
                z overlap = negative(dot(mode, modes + k * size, size));
                add_scaled(mode, 1, modes + k * size, 1, size, overlap);
                add_scaled(image, 1, images + k * size, 1, size, overlap);
            }
            kept = norm(mode, size);
            // Of what is left then, rounding is a large part.
            little = !every((mask)(kept >= LITTLE * LITTLE));
        }
        for (int lane = 0; lane < LANES; lane++)
            kept[lane] = kept[lane] > LEAST_PART * LEAST_PART ? 1 / sqrt(kept[lane]) : 0.0;
        for (num i = 0; i < size; i++) {
            mode[i] = stretched(mode[i], kept);
            image[i] = stretched(image[i], kept);
        }
    }
    product(1, sigma, size, images, 1, size, modes, size, 1, size, size, count, 0, 0);
}

// V^+ (E - H - Sigma)^-1 V.
static void one_cell_more(const lead *l, const z *sigma, z energy, lead_room *w) {
    for (num k = 0; k < l->n * l->n; k++) w->green[k] = negative(everywhere(l->cell + 2 * k));
    for (num i = 0; i < l->n; i++) w->green[i * (l->n + 1)] = plus(w->green[i * (l->n + 1)], energy);
    for (num i = 0; i < l->m; i++)
        for (num k = 0; k < l->m; k++) w->green[i * l->n + k] = minus(w->green[i * l->n + k], sigma[i * l->m + k]);
    invert(w->green, l->n, &w->inverse);
    clear(w->reached, l->n * l->m);
    clear(w->further, l->m * l->m);
    for (num k = 0; k < l->bonds; k++)
        add_scaled(w->reached + l->bond[2 * k + 1], l->m, w->green + l->bond[2 * k], l->n, l->n,
                   everywhere(l->strength + 2 * k));
    for (num k = 0; k < l->bonds; k++)
        add_scaled(w->further + l->bond[2 * k + 1] * l->m, 1, w->reached + l->bond[2 * k] * l->m, 1, l->m,
                   conjugate(everywhere(l->strength + 2 * k)));
}

// Unset `good` where a Hermitian matrix with `shift` on its diagonal has no Cholesky factor; the matrix is destroyed.
static void absorbs(z *a, num size, v shift, char *good) {
    for (num i = 0; i < size; i++) {
        z *row = a + i * size;
        // The diagonal holds the inverse of the factor's.
        for (num j = 0; j < i; j++)
            row[j] = stretched(minus(row[j], dot(row, a + j * size, j)), a[j * (size + 1)].re);
        v rest = row[i].re + shift - norm(row, i);
        for (int lane = 0; lane < LANES; lane++) {
            good[lane] &= rest[lane] > 0;
            row[i].re[lane] = rest[lane] > 0 ? 1 / sqrt(rest[lane]) : 0.0;
        }
    }
}

// One cell more in front, Sigma -> V^+ (E - H - Sigma)^-1 V, makes the error smaller by the lambda of each mode that was
// left out, or is known less well: these decay, while those that do not are known well. This is repeated while it serves.
// At last Sigma must solve its equation, and i (Sigma - Sigma^+) may have no negative eigenvalue beyond a tolerance.
static void solve_surface(const lead *l, z *sigma, z energy, char *good, lead_room *w) {
    v wrong = all(0), scaling = all(0), before = all(INFINITY);
    num m = l->m;
    double strongest = 0.0;
    for (num k = 0; k < l->bonds; k++)
        strongest = fmax(strongest, l->strength[2 * k] * l->strength[2 * k]
                                    + l->strength[2 * k + 1] * l->strength[2 * k + 1]);
    for (num step = 0; step < STEPS; step++) {
        int serves = 0;
        v finite = all(0);
        one_cell_more(l, sigma, energy, w);
        wrong = all(0);
        scaling = all(strongest);
        for (num k = 0; k < m * m; k++) {
            z difference = minus(w->further[k], sigma[k]);
            v error = square(difference), size = square(sigma[k]);
            finite += difference.re + difference.im;
            wrong = choice((mask)(error > wrong), error, wrong);
            scaling = choice((mask)(size > scaling), size, scaling);
        }
        for (int lane = 0; lane < LANES; lane++) {
            scaling[lane] = sqrt(scaling[lane]);
            wrong[lane] = isfinite(finite[lane]) ? sqrt(wrong[lane]) : INFINITY;
            if (good[lane] && wrong[lane] > SOLVED * scaling[lane]) serves |= wrong[lane] < SERVES * before[lane];
        }
        before = wrong;
        if (!serves) break;
        memcpy(sigma, w->further, m * m * sizeof(z));
    }
    for (int lane = 0; lane < LANES; lane++) {
        scaling[lane] *= TOLERANCE;
        good[lane] &= wrong[lane] <= scaling[lane];
    }
    for (num i = 0; i < m; i++)
        for (num j = 0; j < m; j++) {
            z here = sigma[i * m + j], there = sigma[j * m + i];
            w->further[i * m + j] = (z){-here.im - there.im, here.re - there.re};
        }
    absorbs(w->further, m, scaling, good);
}

// Self-energies at energies that follow one another, LANES to a group; the sum of velocities of modes that lead away and
// their number; `good` where the self-energy solves its equation and absorbs.
static int lead_modes(const num *size, void **at) {
    lead lead, *l = &lead;
    memcpy(&lead.n, size, 6 * sizeof(num));
    memcpy(&lead.band, at, 8 * sizeof(void *));
    num n = l->n, m = l->m, roots = 2 * l->rank;
    double *flow_sum = at[11], *number = at[12];
    arena w = {0};
    lead_room room = {
        take(&w, roots, sizeof(num)), take(&w, roots, sizeof(num)), 0, 0, zeros(&w, roots), zeros(&w, LANES * roots),
        take(&w, n + l->width, sizeof(z)), take(&w, (2 * l->width + 1) * n, sizeof(z)), take(&w, l->rank * m, sizeof(z)),
        take(&w, l->rank * m, sizeof(z)), take(&w, n * n, sizeof(z)), take(&w, n * m, sizeof(z)),
        take(&w, m * m, sizeof(z)), take(&w, roots, sizeof(z)), take(&w, LANES * roots, sizeof(z)),
        take(&w, LANES * roots * n, sizeof(double complex)), take(&w, m, sizeof(z)), take(&w, roots, 1),
        make_room(&w, n)};
    for (num group = 0; !w.failed && group < l->groups; group++) {
        const double *re = (const double *)at[8] + group * LANES, *im = (const double *)at[9] + group * LANES;
        z *sigma = (z *)at[10] + group * m * m;
        char *good = (char *)at[13] + group * LANES;
        search(l, re, im, good, &room);
        side_by_side(l, good, &room);
        from_modes(room.u, room.images, l->rank, m, sigma);
        solve_surface(l, sigma, (z){*(const v *)re, *(const v *)im}, good, &room);
        for (num k = 0; k < LANES * roots; k++) {
            int away = room.flows[k] > 0 && isfinite(room.flows[k]);
            flow_sum[group * LANES + k / roots] += away ? room.flows[k] : 0;
            number[group * LANES + k / roots] += away;
        }
    }
    return leave(&w);
}
