/* examples/slot.json, solved from C.
 *
 *     cc slot.c $(lyaopt info --cflags --libs) -o slot && ./slot
 *
 * Prints a line for each device and one for the whole; tests hold it to the answer of `lyaopt solve-slot`.
 */
#include <lyaopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEVICES = 4, SERVICES = 2 };

int main(void)
{
    const lyaopt_system system = {
        .slot_duration_s = 0.01,
        .energy_coefficient = 1e-28,
        .energy_weight_local = 1e+17,
        .energy_weight_transmit = 10000000000000.0,
        .edge_capacity_hz = 20000000000.0,
        .noise_psd_w_per_hz = 3.981071705534986e-21, /* -174 dBm/Hz */
    };
    const double cpu_capacity_hz[DEVICES] = {1500000000.0, 1500000000.0, 1500000000.0, 1500000000.0};
    const double max_power_w[DEVICES] = {0.3, 0.3, 0.3, 0.3};
    const double bandwidth_hz[DEVICES] = {250000.0, 250000.0, 250000.0, 250000.0};
    const double channel_gain[DEVICES] = {1.49198e-11, 2.16396e-11, 3.45454e-12, 5.73251e-11};
    /* [n * DEVICES + m]: the first services of all devices, then the second ones */
    const double local_queue_cycles[SERVICES * DEVICES] = {
        0.0, 32167850.757, 33647808.146, 189071273.645,
        0.0, 4519572640.022, 0.0, 56085415.366,
    };
    const double transmit_queue_bits[SERVICES * DEVICES] = {
        0.0, 0.0, 0.0, 967583.74,
        3575218.178, 0.0, 2885.048, 3591799.639,
    };
    const double edge_queue_cycles[SERVICES * DEVICES] = {
        70252356.625, 10762829.653, 35990557.527, 0.0,
        0.0, 0.0, 0.0, 42535198.496,
    };
    const lyaopt_state state = {
        .cpu_capacity_hz = cpu_capacity_hz,
        .max_power_w = max_power_w,
        .bandwidth_hz = bandwidth_hz,
        .channel_gain = channel_gain,
        .local_queue_cycles = local_queue_cycles,
        .transmit_queue_bits = transmit_queue_bits,
        .edge_queue_cycles = edge_queue_cycles,
    };

    double local_cpu_hz[SERVICES * DEVICES], rate_bps[SERVICES * DEVICES], edge_cpu_hz[SERVICES * DEVICES];
    double cpu_hz[DEVICES], power_w[DEVICES];
    const lyaopt_allocation allocation = {local_cpu_hz, rate_bps, edge_cpu_hz, cpu_hz, power_w};
    lyaopt_certificate certificate;

    /* Once; every slot of these sizes can use it again. */
    const size_t size = lyaopt_slot_workspace(DEVICES, SERVICES);
    double *workspace = malloc(size * sizeof *workspace);
    if (workspace == NULL)
        return 1;

    const int status
        = lyaopt_solve_slot(DEVICES, SERVICES, &system, &state, &allocation, &certificate, workspace, size);
    free(workspace);
    if (status != LYAOPT_OK) {
        fprintf(stderr, "slot: %s\n", lyaopt_message(status));
        return 1;
    }
    for (int m = 0; m < DEVICES; m++) {
        printf("%d %.17g %.17g", m, cpu_hz[m], power_w[m]);
        for (int n = 0; n < SERVICES; n++) {
            const int i = n * DEVICES + m;
            printf(" %.17g %.17g %.17g", local_cpu_hz[i], rate_bps[i], edge_cpu_hz[i]);
        }
        printf("\n");
    }
    printf("objective %.17g gap %.2g\n",
           certificate.objective_local + certificate.objective_transmit + certificate.objective_edge,
           certificate.relative_gap);
    return 0;
}
