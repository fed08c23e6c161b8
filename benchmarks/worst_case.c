/* Times single calls: writes two arrays of `count` doubles to standard output, seconds of calls without and with
 * certificate. Slots come from standard input as doubles: F^l, pmax and b_w of the devices and the six numbers of
 * the system, then for each slot the backlogs (3, N, M) and the gains. They differ from call to call. */
#define _POSIX_C_SOURCE 199309L
#include <lyaopt.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifndef DEVICES
enum { DEVICES = 4, SERVICES = 2 };
#endif
enum { ITEMS = DEVICES * SERVICES, SLOTS = 64, WARM = 10000 };

static struct {
    double capacity[DEVICES], max_power[DEVICES], band[DEVICES];
    lyaopt_system system;
    struct {
        double queues[3][ITEMS], gain[DEVICES];
    } slots[SLOTS];
} given;
static double rates[3][ITEMS], cpu[DEVICES], power[DEVICES];
static const lyaopt_allocation to = {rates[0], rates[1], rates[2], cpu, power};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static lyaopt_state state_of(long call)
{
    const int s = (int)(call % SLOTS);
    return (lyaopt_state){.cpu_capacity_hz = given.capacity,
                          .max_power_w = given.max_power,
                          .bandwidth_hz = given.band,
                          .channel_gain = given.slots[s].gain,
                          .local_queue_cycles = given.slots[s].queues[0],
                          .transmit_queue_bits = given.slots[s].queues[1],
                          .edge_queue_cycles = given.slots[s].queues[2]};
}

int main(int argc, char **argv)
{
    const long count = argc > 1 ? atol(argv[1]) : 1000;
    const size_t size = lyaopt_slot_workspace(DEVICES, SERVICES);
    double *workspace = malloc(size * sizeof *workspace), *seconds = malloc((size_t)count * sizeof *seconds);
    if (workspace == NULL || seconds == NULL || fread(&given, sizeof given, 1, stdin) != 1)
        return 1;
    for (int certified = 0; certified < 2; certified++) {
        for (long i = -WARM; i < count; i++) { /* the first ones warm up */
            const lyaopt_state state = state_of(i + (long)WARM / SLOTS * SLOTS + SLOTS);
            lyaopt_certificate certificate;
            const double start = now();
            const int status = lyaopt_solve_slot(DEVICES, SERVICES, &given.system, &state, &to,
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
