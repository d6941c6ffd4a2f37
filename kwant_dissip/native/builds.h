// The builds there are, the widest vectors last, and which of them this processor runs.
#pragma once
#include <stddef.h>
#include "kernels.h"

#if defined(__x86_64__)
static const kernel_build *const builds[] = {&build_v2, &build_v3, &build_v4};
static const char *const build_names[] = {"v2", "v3", "v4", NULL};
static inline int runs_here(int number) {
    __builtin_cpu_init();
    if (number == 2)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
               && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
               && __builtin_cpu_supports("avx512cd") && runs_here(1);
    if (number == 1) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
}
#else
static const kernel_build *const builds[] = {&build_plain};
static const char *const build_names[] = {"plain", NULL};
static inline int runs_here(int number) { return number == 0; }
#endif

static inline const kernel_build *build_of(int number) { return builds[number]; }
static inline const char *build_name(int number) { return build_names[number]; }
