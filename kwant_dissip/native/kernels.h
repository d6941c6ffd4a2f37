// Face of a build: every kernel takes sizes and arrays, which `_kernels.pyx` checks against what is declared here.
#pragma once
#include <stdint.h>

typedef int64_t num;

// `sizes` names the numbers by one letter each; `arrays` has a word for each array, those after > are written to: its
// length as a product of letters and digits, * if any will do, behind its type if that is not double (i: num, z: complex,
// c: char). 1 where there was no memory.
typedef struct {
    const char *name, *sizes, *arrays;
    int (*run)(const num *size, void **at);
} kernel;

typedef struct {
    int lanes;
    const kernel *kernels;  // until one without a name
} kernel_build;

extern const kernel_build build_v2, build_v3, build_v4, build_plain;
