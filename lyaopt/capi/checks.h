/* What the sources of the library share; not for callers, who include lyaopt.h. */
#ifndef LYAOPT_CHECKS_H
#define LYAOPT_CHECKS_H

#include "lyaopt.h"

#include <math.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#define SHARED
#else
#define EXPORT __attribute__((visibility("default")))
#define SHARED __attribute__((visibility("hidden"))) /* between the sources of the library only */
#endif

static const int64_t LARGEST = INT64_MAX / 4096; /* doubles of an array, so that no size overflows */

static inline int sizes_are_good(int64_t devices, int64_t services, int64_t slots)
{
    if (devices < 1 || services < 1 || slots < 1)
        return 0;
    if ((devices | services | slots) >> 16 == 0) /* without a division, which takes as long as much of a slot */
        return 1;
    return services <= LARGEST / devices && slots <= LARGEST / (devices * services);
}

static inline int within(double value)
{
    return value >= 0.0 && value < INFINITY; /* false for NaN */
}

/* Whether an array holds such values only; `sum` gets their sum. */
static inline int all_within(const double *values, int64_t count, double *sum)
{
    int good = 1;
    double total = 0.0;
    for (int64_t i = 0; i < count; i++) {
        good &= within(values[i]);
        total += values[i];
    }
    *sum = total;
    return good;
}

/* What is bad: its field, its place in the array, or -1, its value, and what was expected. Nothing: NONE. */
typedef struct fault {
    int status;
    const char *field;
    int64_t index;
    double value;
    const char *reason;
} fault;

static const fault NONE = {LYAOPT_OK, NULL, -1, 0.0, NULL};
static const char NUMBER[] = "expected a finite number >= 0";
static const char POSITIVE[] = "expected a finite number > 0";

static inline fault fault_of_missing(const char *field)
{
    return (fault){LYAOPT_NULL, field, -1, 0.0, NULL};
}

/* Say it in words, and return its status; faults.c. */
SHARED int lyaopt_tell(fault found, char *text, size_t size);

/* Check the numbers of a system and of the state of some slots; numbers.c. */
SHARED int lyaopt_check_numbers(int64_t devices, int64_t services, int64_t slots, const lyaopt_system *system,
                         const lyaopt_state *state);

/* The kernels' pointers are not const, also to arrays that are only read. */
static inline double *read_only(const double *values)
{
    return (double *)values;
}

#endif
