/* One slot in which a service counts five times as much as its backlog, beside the same slot without weights.
 *
 *     cc weights.c $(lyaopt info --cflags --libs) -o weights && ./weights
 *
 * Prints the local speeds in Hz of both services, first by their backlogs, then by their weights.
 */
#include <lyaopt.h>
#include <stdio.h>

enum { DEVICES = 1, SERVICES = 2, WORKSPACE = 4096 };

static int solve(const lyaopt_state *state, const char *name)
{
    static double workspace[WORKSPACE];
    const lyaopt_system system = {
        .slot_duration_s = 0.01,
        .energy_coefficient = 1e-28,
        .energy_weight_local = 1e17,
        .energy_weight_transmit = 1e13,
        .edge_capacity_hz = 2e10,
        .noise_psd_w_per_hz = 3.981071705534986e-21, /* -174 dBm/Hz */
    };
    double local_cpu_hz[SERVICES], rate_bps[SERVICES], edge_cpu_hz[SERVICES], cpu_hz[DEVICES], power_w[DEVICES];
    const lyaopt_allocation allocation = {local_cpu_hz, rate_bps, edge_cpu_hz, cpu_hz, power_w};
    lyaopt_certificate certificate;
    const int status
        = lyaopt_solve_slot(DEVICES, SERVICES, &system, state, &allocation, &certificate, workspace, WORKSPACE);
    if (status != LYAOPT_OK) {
        fprintf(stderr, "weights: %s\n", lyaopt_message(status));
        return 1;
    }
    printf("%s %.17g %.17g gap %.2g\n", name, local_cpu_hz[0], local_cpu_hz[1], certificate.relative_gap);
    return 0;
}

int main(void)
{
    const double cpu_capacity_hz[DEVICES] = {1.5e9}, max_power_w[DEVICES] = {0.3};
    const double bandwidth_hz[DEVICES] = {250e3}, channel_gain[DEVICES] = {2e-11};
    const double local_queue_cycles[SERVICES] = {4e7, 1e7};
    const double transmit_queue_bits[SERVICES] = {1e6, 0.0};
    const double edge_queue_cycles[SERVICES] = {0.0, 5e7};
    lyaopt_state state = {
        .cpu_capacity_hz = cpu_capacity_hz,
        .max_power_w = max_power_w,
        .bandwidth_hz = bandwidth_hz,
        .channel_gain = channel_gain,
        .local_queue_cycles = local_queue_cycles,
        .transmit_queue_bits = transmit_queue_bits,
        .edge_queue_cycles = edge_queue_cycles,
    }; /* weights that are not named are NULL: the backlogs */
    if (solve(&state, "backlogs"))
        return 1;
    const double local_weight[SERVICES] = {4e7, 5 * 1e7};
    state.local_weight = local_weight;
    return solve(&state, "weights");
}
