// Matrices of LANES energies side by side, multiplied at the speed of the processor's vector units.
//
// An element is a z: LANES real parts, then LANES imaginary parts. A small tile of the result stays in registers while the
// sum over the inner index runs: of TALL rows and two columns, what registers hold.
#pragma once
#include "vectors.h"

#define TALL (LANES == 8 ? 4 : 2)
// Elements of B that are worked on together, some hundred kB: rows, and an even number of columns.
#define BLOCK_INNER 192
#define BLOCK_COLUMNS 16

// C = A B or C += A B, B conjugated if asked for: element (i, k) of A is a[i * a_row + k * a_step], (k, j) of B
// b[k * b_step + j * b_column]. The compiler knows the size of a tile.
INLINE void tile(const int rows, const int columns, const int conjugated, z *c, num c_row, const z *a, num a_row,
                 num a_step, const z *b, num b_step, num b_column, num inner, int add) {
    z sum[4][2];
    UNROLLED for (int r = 0; r < rows; r++)
        UNROLLED for (int q = 0; q < columns; q++) sum[r][q] = zero();
    for (num k = 0; k < inner; k++) {
        z right[2];
        UNROLLED for (int q = 0; q < columns; q++) right[q] = b[k * b_step + q * b_column];
        UNROLLED for (int r = 0; r < rows; r++) {
            z left = a[r * a_row + k * a_step];
            UNROLLED for (int q = 0; q < columns; q++)
                sum[r][q] = conjugated ? plus_conjugate(sum[r][q], left, right[q])
                                       : plus_product(sum[r][q], left, right[q]);
        }
    }
    UNROLLED for (int r = 0; r < rows; r++)
        UNROLLED for (int q = 0; q < columns; q++)
            c[r * c_row + q] = add ? plus(c[r * c_row + q], sum[r][q]) : sum[r][q];
}

// Tile by tile, B in pairs of columns; if these are columns from `diagonal` on of a Hermitian matrix, tiles below its
// diagonal may be left out.
INLINE void tile_by_tile(const int conjugated, z *c, num c_row, const z *a, num a_row, num a_step, const z *b, num rows,
                         num columns, num inner, int add, num diagonal) {
#define TILE(height, width) tile(height, width, conjugated, c + i * c_row + j, c_row, a + i * a_row, a_row, a_step, \
                                 b + j * inner, 2, 1, inner, add)
    for (num i = 0, height; i < rows; i += height) {
        height = i + TALL <= rows ? TALL : 1;
        // Pairs of columns that lie to the left of the diagonal in all of these rows.
        for (num j = diagonal >= 0 && i > diagonal ? (i - diagonal) / 2 * 2 : 0; j < columns; j += 2) {
            if (j + 2 <= columns) { if (height > 1) TILE(TALL, 2); else TILE(1, 2); }
            else { if (height > 1) TILE(TALL, 1); else TILE(1, 1); }
        }
    }
}

// Block by block of B, each of which stays in the cache while all rows of A pass; its pairs of columns are copied to where
// they lie one after the other, as rows of large matrices lie on as many pages.
static void product(int conjugated, z *c, num c_row, const z *a, num a_row, num a_step, const z *b, num b_step,
                    num b_column, num rows, num columns, num inner, int add, int upper) {
    static _Thread_local z block[BLOCK_INNER * BLOCK_COLUMNS] __attribute__((aligned(64)));
    if (inner <= 0 && !add)
        for (num i = 0; i < rows; i++) memset(c + i * c_row, 0, columns * sizeof(z));
    for (num k = 0; k < inner; k += BLOCK_INNER) {
        num part = smaller(BLOCK_INNER, inner - k);
        for (num j = 0; j < columns; j += BLOCK_COLUMNS) {
            num wide = smaller(BLOCK_COLUMNS, columns - j), height = upper ? smaller(rows, j + wide) : rows;
            for (num q = 0; q < wide; q++)
                for (num l = 0; l < part; l++)
                    block[q / 2 * 2 * part + 2 * l + q % 2] = b[(k + l) * b_step + (j + q) * b_column];
#define PRODUCT(c_) tile_by_tile(c_, c + j, c_row, a + k * a_step, a_row, a_step, block, height, wide, part, add || k, \
                                 upper ? j : -1)
            if (conjugated) PRODUCT(1); else PRODUCT(0);
        }
    }
}

// C = A B; `rows` x `inner` times `inner` x `columns` elements.
static void multiply(z *c, const z *a, const z *b, num rows, num inner, num columns) {
    product(0, c, columns, a, inner, 1, b, columns, 1, rows, columns, inner, 0, 0);
}

// C = A B^+ with B of `columns` x `inner` elements; if the result is Hermitian, half of it is copied.
static void multiply_adjoint(z *c, const z *a, const z *b, num rows, num inner, num columns, int hermitian) {
    product(1, c, columns, a, inner, 1, b, 1, inner, rows, columns, inner, 0, hermitian);
    // Exactly so: imaginary parts on the diagonal, of rounding, would grow from slice to slice as sum_j |B_ij|^2.
    for (num i = 0; hermitian && i < rows; i++) {
        c[i * columns + i].im = all(0);
        for (num j = 0; j < i; j++) c[i * columns + j] = conjugate(c[j * columns + i]);
    }
}

INLINE z dot(const z *a, const z *b, num count) {  // sum_k a_k conj(b_k)
    z sum = zero();
    for (num k = 0; k < count; k++) sum = plus_conjugate(sum, a[k], b[k]);
    return sum;
}

INLINE void add_scaled(z *c, num c_step, const z *a, num a_step, num count, z factor) {
    for (num k = 0; k < count; k++) c[k * c_step] = plus_product(c[k * c_step], factor, a[k * a_step]);
}

INLINE void scale(z *c, num c_step, const z *a, num a_step, num count, z factor) {
    for (num k = 0; k < count; k++) c[k * c_step] = times(factor, a[k * a_step]);
}

INLINE void clear(z *c, num count) { memset(c, 0, count * sizeof(z)); }

// Sum of |a_k|^2, of four parts that do not wait for each other.
INLINE v norm(const z *a, num count) {
    v sum[4] = {all(0), all(0), all(0), all(0)};
    num k = 0;
    for (; k + 4 <= count; k += 4) UNROLLED for (int part = 0; part < 4; part++) sum[part] += square(a[k + part]);
    for (; k < count; k++) sum[0] += square(a[k]);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static v larger_norm(v largest, const z *a, num count) {  // nan stays
    v here = norm(a, count);
    return choice((mask)(here <= largest) | (mask)(largest != largest), largest, here);
}
