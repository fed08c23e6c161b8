/* A controller by prices: weights, an exact slot and the next cuts from what waits now.
 *
 *     lyaopt simulate balanced --policy price --waiting-cost 0.02 --save-prices prices.f64
 *     cc prices.c $(lyaopt info --cflags --libs) -o prices && ./prices prices.f64
 *
 * Prints a line for each device: of each of its services the local speed in Hz, the rate in bit/s, the speed at
 * the edge in Hz and the cut of its next task. Tests hold it to the answers of Python.
 */
#include <lyaopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEVICES = 4, SERVICES = 2, ITEMS = DEVICES * SERVICES, LOCAL = 0, TRANSMIT = ITEMS, EDGE = 2 * ITEMS };

/* What the controller keeps from slot to slot. */
typedef struct controller {
    lyaopt_prices prices;
    double weights[3 * ITEMS];
    int64_t cuts[ITEMS];
    double *workspace;
    size_t workspace_size;
} controller;

/* Once: read the table, which stays in memory, and check it. */
static int open_controller(const char *path, double **table, controller *to)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        return LYAOPT_BAD_TABLE;
    const long bytes = ftell(file);
    rewind(file);
    const size_t size = bytes > 0 ? (size_t)bytes / sizeof **table : 0;
    *table = malloc(size * sizeof **table + 1);
    const size_t got = *table != NULL ? fread(*table, sizeof **table, size, file) : 0;
    fclose(file);
    const int status = lyaopt_read_prices(*table, got, &to->prices);
    if (status != LYAOPT_OK)
        return status;
    if (to->prices.devices != DEVICES || to->prices.services != SERVICES)
        return LYAOPT_BAD_SIZE;
    to->workspace_size = lyaopt_slot_workspace(DEVICES, SERVICES) + 3 * ITEMS;
    to->workspace = malloc(to->workspace_size * sizeof *to->workspace);
    return to->workspace != NULL ? LYAOPT_OK : LYAOPT_SMALL_WORKSPACE;
}

/* In every slot: nothing is allocated. */
static int decide(controller *with, lyaopt_state state, const lyaopt_waiting *waiting, const lyaopt_allocation *to)
{
    lyaopt_certificate certificate;
    int status = lyaopt_price_weights(&with->prices, waiting, with->weights);
    if (status != LYAOPT_OK)
        return status;
    state.local_queue_cycles = waiting->backlog + LOCAL;
    state.transmit_queue_bits = waiting->backlog + TRANSMIT;
    state.edge_queue_cycles = waiting->backlog + EDGE;
    state.local_weight = with->weights + LOCAL;
    state.transmit_weight = with->weights + TRANSMIT;
    state.edge_weight = with->weights + EDGE;
    status = lyaopt_solve_slot(DEVICES, SERVICES, &with->prices.system, &state, to, &certificate, with->workspace,
                               with->workspace_size);
    if (status != LYAOPT_OK)
        return status;
    return lyaopt_price_cuts(&with->prices, waiting, with->cuts, with->workspace, with->workspace_size);
}

int main(int count, char **words)
{
    const double cpu_capacity_hz[DEVICES] = {1.5e9, 1.5e9, 1.5e9, 1.5e9};
    const double max_power_w[DEVICES] = {0.3, 0.3, 0.3, 0.3};
    const double bandwidth_hz[DEVICES] = {250e3, 250e3, 250e3, 250e3};
    const double channel_gain[DEVICES] = {2e-11, 2e-11, 2e-11, 2e-11};
    /* [n * DEVICES + m] in each stage: two tasks wait on the CPU of device 0, one on the radio of device 1, and
     * one of device 3 at the edge */
    double backlog[3 * ITEMS] = {0.0}, head_left[3 * ITEMS] = {0.0};
    int64_t tasks[3 * ITEMS] = {0};
    backlog[LOCAL] = 1e8, head_left[LOCAL] = 3e7, tasks[LOCAL] = 2;
    backlog[TRANSMIT + 1] = 2e5, head_left[TRANSMIT + 1] = 2e5, tasks[TRANSMIT + 1] = 1;
    backlog[EDGE + 7] = 4e7, head_left[EDGE + 7] = 4e7, tasks[EDGE + 7] = 1;
    const lyaopt_waiting waiting = {.backlog = backlog, .head_left = head_left, .waiting = tasks};
    const lyaopt_state state = {
        .cpu_capacity_hz = cpu_capacity_hz,
        .max_power_w = max_power_w,
        .bandwidth_hz = bandwidth_hz,
        .channel_gain = channel_gain,
    };
    double local_cpu_hz[ITEMS], rate_bps[ITEMS], edge_cpu_hz[ITEMS], cpu_hz[DEVICES], power_w[DEVICES];
    const lyaopt_allocation allocation = {local_cpu_hz, rate_bps, edge_cpu_hz, cpu_hz, power_w};

    double *table = NULL;
    controller with = {.workspace = NULL};
    int status = open_controller(count > 1 ? words[1] : "prices.f64", &table, &with);
    if (status == LYAOPT_OK)
        status = decide(&with, state, &waiting, &allocation);
    if (status != LYAOPT_OK)
        fprintf(stderr, "prices: %s\n", lyaopt_message(status));
    for (int m = 0; status == LYAOPT_OK && m < DEVICES; m++) {
        printf("%d", m);
        for (int n = 0; n < SERVICES; n++) {
            const int i = n * DEVICES + m;
            printf(" %.17g %.17g %.17g %d", local_cpu_hz[i], rate_bps[i], edge_cpu_hz[i], (int)with.cuts[i]);
        }
        printf("\n");
    }
    free(with.workspace);
    free(table);
    return status != LYAOPT_OK;
}
