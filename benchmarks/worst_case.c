/* Times single calls: writes two arrays of `count` doubles to standard output, seconds of calls without and with
 * certificate. Slots differ from call to call. */
#define _POSIX_C_SOURCE 199309L
#include <lyaopt.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DEVICES = 4, SERVICES = 2, ITEMS = DEVICES * SERVICES, SLOTS = 64 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double uniform(void)
{
    return (double)rand() / RAND_MAX;
}

int main(int argc, char **argv)
{
    const long count = argc > 1 ? atol(argv[1]) : 1000;
    static double queues[3][SLOTS][ITEMS], gain[SLOTS][DEVICES], rates[3][ITEMS], cpu[DEVICES], power[DEVICES];
    static const double most[3] = {1e8, 5e6, 2e8}, capacity[DEVICES] = {1.5e9, 1e9, 2e9, 1.2e9},
                        max_power[DEVICES] = {0.3, 0.2, 0.3, 0.25}, band[DEVICES] = {5e5, 5e5, 1e6, 5e5};
    for (int s = 0; s < SLOTS; s++) {
        for (int i = 0; i < 3 * ITEMS; i++)
            queues[i % 3][s][i / 3] = uniform() < 0.2 ? 0.0 : most[i % 3] * uniform();
        for (int m = 0; m < DEVICES; m++)
            gain[s][m] = 1e-10 * (0.05 + uniform());
    }
    const lyaopt_system system = {0.01, 1e-28, 1e17, 1e13, 2e10, 3.981071705534986e-21};
    const lyaopt_allocation to = {rates[0], rates[1], rates[2], cpu, power};
    const size_t size = lyaopt_slot_workspace(DEVICES, SERVICES);
    double *workspace = malloc(size * sizeof *workspace), *seconds = malloc((size_t)count * sizeof *seconds);
    if (workspace == NULL || seconds == NULL)
        return 1;
    for (int certified = 0; certified < 2; certified++) {
        for (long i = -10000; i < count; i++) { /* the first ones warm up */
            const int s = (int)((i + 10000) % SLOTS);
            const lyaopt_state state = {.cpu_capacity_hz = capacity,
                                        .max_power_w = max_power,
                                        .bandwidth_hz = band,
                                        .channel_gain = gain[s],
                                        .local_queue_cycles = queues[0][s],
                                        .transmit_queue_bits = queues[1][s],
                                        .edge_queue_cycles = queues[2][s]};
            lyaopt_certificate certificate;
            const double start = now();
            const int status = lyaopt_solve_slot(DEVICES, SERVICES, &system, &state, &to,
                                                 certified ? &certificate : NULL, workspace, size);
            const double end = now();
            if (status)
                return 2;
            if (i >= 0)
                seconds[i] = end - start;
        }
        fwrite(seconds, sizeof *seconds, (size_t)count, stdout);
    }
    free(workspace);
    free(seconds);
    return 0;
}
