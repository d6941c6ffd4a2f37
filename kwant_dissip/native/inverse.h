// Inverses of matrices of LANES energies side by side (`tiles.h`), by Gauss and Jordan, PIVOTS columns at a time.
//
// Columns that are eliminated together stay in registers: in their rows L U is found without exchanges, and only where a
// pivot turns out small in some lane, the columns are eliminated one by one, with exchanges of rows.
#pragma once
#include "tiles.h"

#define PIVOTS 4
// A pivot smaller than this part of the largest element below it is exchanged; squares of less than SMALLEST count as 0.
#define SMALL_PIVOT 0.5
#define SMALLEST 1e-300
// Stands for the pivot of an energy that hits a level that nothing broadens.
#define TINY 1e-150

typedef struct {
    num *swaps;  // (1 + LANES) x size: which row each step took, in all lanes and in each
    z *panel;    // 2 PIVOTS * size elements
} room;

static room make_room(arena *w, num size) {
    return (room){take(w, (1 + LANES) * size, sizeof(num)), take(w, 2 * PIVOTS * size, sizeof(z))};
}

// x and y with x U = row and y L = x; the diagonal of f holds the inverse of that of U, above it are columns of U divided
// by it, below it L. The row is that of the identity with its 1 at `one`, if that is not negative.
INLINE void solved(const int count, const int one, const z *row, z f[PIVOTS][PIVOTS], z *x, z *y) {
    const int first = one < 0 ? 0 : one;
    UNROLLED for (int k = first; k < count; k++) {
        z value = one < 0 ? times(row[k], f[k][k]) : k == one ? f[k][k] : zero();
        UNROLLED for (int j = first; j < k; j++) value = less_product(value, x[j], f[j][k]);
        x[k] = value;
    }
    UNROLLED for (int k = count - 1; k >= 0; k--) {
        z value = k < first ? zero() : x[k];
        UNROLLED for (int j = k + 1; j < count; j++) value = less_product(value, y[j], f[j][k]);
        y[k] = value;
    }
}

INLINE mask bounded(z a) { return (mask)(square(a) <= 1 / (SMALL_PIVOT * SMALL_PIVOT)); }

// What the steps in `count` columns make of another row of them, -row (L U)^-1; where pivots are large enough.
INLINE mask eliminated(const int count, z *to, const z *row, z f[PIVOTS][PIVOTS]) {
    z x[PIVOTS], y[PIVOTS];
    mask good = (mask)(all(0) == 0);
    solved(count, -1, row, f, x, y);
    UNROLLED for (int k = 0; k < count; k++) {
        to[k] = negative(y[k]);
        good &= bounded(x[k]);
    }
    return good;
}

// Put into the panel what steps without exchanges make of their columns; whether pivots are large enough.
INLINE int eliminate(const int count, z *panel, const z *a, num size, num first) {
    z u[PIVOTS][PIVOTS], x[PIVOTS], y[PIVOTS];
    mask good = (mask)(all(0) == 0);
    UNROLLED for (int i = 0; i < count; i++)
        UNROLLED for (int j = 0; j < count; j++) u[i][j] = a[(first + i) * size + first + j];
    UNROLLED for (int k = 0; k < count; k++) {
        good &= (mask)(square(u[k][k]) > SMALLEST);
        u[k][k] = inverse(u[k][k]);
        UNROLLED for (int i = k + 1; i < count; i++) {
            u[i][k] = times(u[i][k], u[k][k]);
            good &= bounded(u[i][k]);
            UNROLLED for (int j = k + 1; j < count; j++) u[i][j] = less_product(u[i][j], u[i][k], u[k][j]);
        }
        UNROLLED for (int i = 0; i < k; i++) u[i][k] = times(u[i][k], u[k][k]);
    }
    UNROLLED for (int k = 0; k < count; k++) {
        solved(count, k, NULL, u, x, y);
        UNROLLED for (int j = 0; j < count; j++) panel[(first + k) * count + j] = y[j];
    }
    for (num i = first + count; i < size; i++)
        good &= eliminated(count, panel + i * count, a + i * size + first, u);
    if (!every(good)) return 0;
    // Rows above have had their pivots.
    for (num i = 0; i < first; i++) eliminated(count, panel + i * count, a + i * size + first, u);
    return 1;
}

// C = A C of `count` rows, which are of `size` elements, and `columns` columns in C.
INLINE void multiply_rows(const int count, z *c, num size, num columns, const z *a) {
    for (num j = 0; j < columns; j++) {
        z column[PIVOTS];
        UNROLLED for (int k = 0; k < count; k++) column[k] = c[k * size + j];
        UNROLLED for (int r = 0; r < count; r++) {
            z total = times(a[count * r], column[0]);
            UNROLLED for (int k = 1; k < count; k++) total = plus_product(total, a[count * r + k], column[k]);
            c[r * size + j] = total;
        }
    }
}

// Exchange elements, or some of their lanes, of two rows or columns.
static void swap(z *one, z *other, num count, num step, int first, int last) {
    if (one == other) return;
    for (num k = 0; k < count; k++, one += step, other += step)
        for (int lane = first; lane < last; lane++) {
            z kept = *one;
            one->re[lane] = other->re[lane], one->im[lane] = other->im[lane];
            other->re[lane] = kept.re[lane], other->im[lane] = kept.im[lane];
        }
}

// Smallest square of an element over those in `largest`; 0 where these vanish.
static double worst_lane(z a, v largest) {
    double worst = 1.0;
    v size = square(a);
    for (int lane = 0; lane < LANES; lane++) {
        double part = largest[lane] > 0 ? size[lane] / largest[lane] : 0.0;
        if (part < worst) worst = part;
    }
    return worst;
}

// Put a large element into place p of column p: by an exchange in all lanes, where that does not serve all, in one.
static void exchange(z *a, num size, num p, v largest, num *swaps) {
    num best = p;
    double good = worst_lane(a[p * size + p], largest);
    for (num i = p + 1; i < size; i++) {
        double here = worst_lane(a[i * size + p], largest);
        if (here > good) best = i, good = here;
    }
    swap(a + p * size, a + best * size, size, 1, 0, LANES);
    swaps[p] = best;
    for (int lane = 0; lane < LANES; lane++) {
        double most = -1.0;
        best = p;
        for (num i = p; i < size; i++) {
            double part = square(a[i * size + p])[lane];
            if (i == p && part >= SMALL_PIVOT * SMALL_PIVOT * largest[lane] && part > 0) break;
            if (part > most) best = i, most = part;
        }
        swap(a + p * size, a + best * size, size, 1, lane, lane + 1);
        swaps[(1 + lane) * size + p] = best;
        if (most == 0.0) a[p * size + p].re[lane] = TINY;
    }
}

// One step of Gauss and Jordan in `count` columns from `first` on; whether rows were exchanged.
static int pivot_step(z *a, num size, num p, num first, num count, num *swaps) {
    z *row = a + p * size;
    v largest = all(0);
    for (num i = p; i < size; i++) {
        v here = square(a[i * size + p]);
        largest = choice((mask)(here > largest), here, largest);
    }
    int small = worst_lane(row[p], largest) < SMALL_PIVOT * SMALL_PIVOT;
    if (small) exchange(a, size, p, largest, swaps);
    z factor = inverse(row[p]);
    for (num i = 0; i < size; i++) {
        if (i == p) continue;
        z *other = a + i * size;
        other[p] = negative(times(factor, other[p]));
        for (num j = first; j < first + count; j++)
            if (j != p) other[j] = plus_product(other[j], other[p], row[j]);
    }
    for (num j = first; j < first + count; j++) row[j] = j == p ? factor : times(factor, row[j]);
    return small;
}

// Inverse of a matrix in its own place. Where it is singular, the inverse becomes very large.
static void invert(z *a, num size, room *work) {
    int swapped = 0;
    z *panel = work->panel;
    num *swaps = work->swaps;
    for (num first = 0; first < size; first += PIVOTS) {
        num count = smaller(PIVOTS, size - first);
        int done = 0;
#define BY_COUNT(call) switch (count) { case 1: call(1); break; case 2: call(2); break; case 3: call(3); break; \
                                        default: call(4); }
#define ELIMINATE(c) done = eliminate(c, panel, a, size, first)
        BY_COUNT(ELIMINATE)
        // What the steps in these columns do to all others is, after them, in these columns.
        if (!done) {
            if (!swapped)
                for (num k = 0; k < (1 + LANES) * size; k++) swaps[k] = k % size;
            for (num p = first; p < first + count; p++) swapped |= pivot_step(a, size, p, first, count, swaps);
            for (num i = 0; i < size; i++) memcpy(panel + i * count, a + i * size + first, count * sizeof(z));
        }
        z *row = a + first * size;
        for (int side = 0; side < 2; side++) {
            num start = side ? first + count : 0, columns = side ? size - start : first;
            if (!columns) continue;
            product(0, a + start, size, panel, count, 1, row + start, size, 1, first, columns, count, 1, 0);
            product(0, row + count * size + start, size, panel + (first + count) * count, count, 1, row + start, size, 1,
                    size - first - count, columns, count, 1, 0);
#define MULTIPLY(c) multiply_rows(c, row + start, size, columns, panel + first * count)
            BY_COUNT(MULTIPLY)
        }
        for (num i = 0; i < size; i++) memcpy(a + i * size + first, panel + i * count, count * sizeof(z));
    }
    if (!swapped) return;
    for (num p = size - 1; p >= 0; p--) {
        for (int lane = 0; lane < LANES; lane++)
            swap(a + p, a + swaps[(1 + lane) * size + p], size, size, lane, lane + 1);
        swap(a + p, a + swaps[p], size, size, 0, LANES);
    }
}
