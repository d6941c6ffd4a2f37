// Vectors of LANES doubles, one for each of as many energies, and complex numbers made of two of them.
//
// A build has as many lanes as the processor's vectors hold: longer ones would not stay in registers. Compilers turn plain
// loops into vectors where iterations are independent (ALONG); small matrices they keep in registers only if they are
// written with vectors.
#pragma once
#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "kernels.h"

#define INLINE static inline __attribute__((always_inline))
#define PRAGMA(text) _Pragma(#text)
#define UNROLLED PRAGMA(GCC unroll 8)
#define ALONG(k, count) PRAGMA(omp simd) for (num k = 0; k < (count); k++)

// In memory they start at any double.
typedef double v __attribute__((vector_size(8 * LANES), aligned(8)));
typedef num mask __attribute__((vector_size(8 * LANES), aligned(8)));
typedef struct { v re, im; } z;

INLINE num smaller(num a, num b) { return a < b ? a : b; }
INLINE v all(double x) { return x - (v){0}; }
INLINE v choice(mask m, v a, v b) { return (v)((m & (mask)a) | (~m & (mask)b)); }
INLINE int every(mask m) {
    int yes = 1;
    for (int lane = 0; lane < LANES; lane++) yes &= m[lane] != 0;
    return yes;
}

INLINE z zero(void) { return (z){(v){0}, (v){0}}; }
INLINE z everywhere(const double *pair) { return (z){all(pair[0]), all(pair[1])}; }
INLINE z plus(z a, z b) { return (z){a.re + b.re, a.im + b.im}; }
INLINE z minus(z a, z b) { return (z){a.re - b.re, a.im - b.im}; }
INLINE z negative(z a) { return (z){-a.re, -a.im}; }
INLINE z conjugate(z a) { return (z){a.re, -a.im}; }
INLINE z times(z a, z b) { return (z){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
INLINE z stretched(z a, v b) { return (z){a.re * b, a.im * b}; }
INLINE z plus_product(z c, z a, z b) {
    return (z){c.re + a.re * b.re - a.im * b.im, c.im + a.re * b.im + a.im * b.re};
}
INLINE z less_product(z c, z a, z b) {
    return (z){c.re - a.re * b.re + a.im * b.im, c.im - a.re * b.im - a.im * b.re};
}
INLINE z plus_conjugate(z c, z a, z b) {  // c + a b^*
    return (z){c.re + a.re * b.re + a.im * b.im, c.im + a.im * b.re - a.re * b.im};
}
INLINE v square(z a) { return a.re * a.re + a.im * a.im; }
INLINE z inverse(z a) { return stretched(conjugate(a), 1.0 / square(a)); }  // not finite where a vanishes
// Very large there: a divisor with a smaller square is replaced by its root. Where a pivot vanishes, a determinant does not.
#define LEAST 1e-60
INLINE z reciprocal(z a) {
    mask small = (mask)(square(a) < LEAST);
    z safe = {choice(small, all(sqrt(LEAST)), a.re), choice(small, all(0), -a.im)};
    return stretched(safe, 1.0 / choice(small, all(LEAST), square(a)));
}

// Values of a group of energies in a row of all; lanes without an energy repeat the last.
INLINE v lanes_of(const double *row, num group, num energies) {
    v values = all(0);
    if ((group + 1) * LANES <= energies) return *(const v *)(row + group * LANES);
    for (int lane = 0; lane < LANES; lane++) values[lane] = row[smaller(group * LANES + lane, energies - 1)];
    return values;
}

INLINE void add_lanes(double *row, num group, num energies, v values) {
    for (num lane = 0; lane < smaller(LANES, energies - group * LANES); lane++)
        row[group * LANES + lane] += values[lane];
}

// Work space, pieces of which start where a line of the cache does.
typedef struct { void *taken[20]; int count, failed; } arena;

static void *take(arena *w, num count, size_t size) {
    void *piece = aligned_alloc(64, ((size_t)count * size + 64) / 64 * 64);
    w->failed |= !piece;
    return w->taken[w->count++] = piece;
}

static double *zeros(arena *w, num count) {
    double *piece = take(w, count, sizeof(double));
    return piece ? memset(piece, 0, count * sizeof(double)) : piece;
}

static int leave(arena *w) {
    for (int k = 0; k < w->count; k++) free(w->taken[k]);
    return w->failed;
}
