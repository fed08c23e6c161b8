/* Checks the arguments and lays them out for the compiled kernels. See lyaopt.h. */
#include "checks.h"

#include <string.h>

#ifndef LYAOPT_VERSION
#define LYAOPT_VERSION "unknown"
#endif

/* The kernels, from lyaopt/_kernels/slot/c_entries.py, which names the pointers of each in order. They return 0. */
int64_t lyaopt_kernel_workspace(int64_t services, int64_t devices, int64_t slots);
int64_t lyaopt_kernel_slot(int64_t services, int64_t devices, double **pointers);
int64_t lyaopt_kernel_few(int64_t services, int64_t devices, double **pointers);
int64_t lyaopt_kernel_certified_few(int64_t services, int64_t devices, double **pointers);
int64_t lyaopt_kernel_local(int64_t services, int64_t devices, int64_t slots, double **pointers);
int64_t lyaopt_kernel_transmit(int64_t services, int64_t devices, int64_t slots, double **pointers);
int64_t lyaopt_kernel_edge(int64_t services, int64_t devices, int64_t slots, double **pointers);
int64_t lyaopt_kernel_weighted_slot(int64_t services, int64_t devices, double **pointers);
int64_t lyaopt_kernel_weighted_local(int64_t services, int64_t devices, int64_t slots, double **pointers);
int64_t lyaopt_kernel_weighted_transmit(int64_t services, int64_t devices, int64_t slots, double **pointers);
int64_t lyaopt_kernel_weighted_edge(int64_t services, int64_t devices, int64_t slots, double **pointers);

/* What compiled kernels need of Numba's runtime, which is not linked (see aot_build.py): the release of memory that
 * an array owns, which none does. */
void NRT_MemInfo_call_dtor(void *memory);
void NRT_MemInfo_call_dtor(void *memory)
{
    (void)memory;
}

/* Rows of the results and places of the summary of a slot, as lyaopt/_kernels/slot/one_slot.py names them. */
enum { CPU = 0, POWER = 1, RESULT_ROWS = 8 };
enum { EDGE_NU, LOCAL_OBJECTIVE, TRANSMIT_OBJECTIVE, EDGE_OBJECTIVE, RELATIVE_GAP, VIOLATION, SUMMARY_PLACES };
enum { STAGES = 3, DEVICE_ROWS = 4, SCALARS = 6 };
enum { FEW_SERVICES = 4 }; /* as lyaopt/_kernels/slot/few_devices.py has it */

static const double LARGEST_GAP = 1e-9;

/* Whether all is there; the numbers are not looked at. */
static int check_arrays(int64_t devices, int64_t services, int64_t slots, const lyaopt_system *system,
                        const lyaopt_state *state, const lyaopt_allocation *to, const double *workspace, size_t size,
                        size_t needed)
{
    if (!sizes_are_good(devices, services, slots))
        return LYAOPT_BAD_SIZE;
    if (system == NULL || state == NULL || to == NULL || workspace == NULL)
        return LYAOPT_NULL;
    if (!to->local_cpu_hz || !to->rate_bps || !to->edge_cpu_hz || !to->cpu_hz || !to->power_w)
        return LYAOPT_NULL;
    if (!state->cpu_capacity_hz || !state->max_power_w || !state->bandwidth_hz || !state->channel_gain)
        return LYAOPT_NULL;
    if (!state->local_queue_cycles || !state->transmit_queue_bits || !state->edge_queue_cycles)
        return LYAOPT_NULL;
    return size < needed ? LYAOPT_SMALL_WORKSPACE : LYAOPT_OK;
}

/* The kernels divide by some of these: adding 0 makes 0.0 of -0.0, which all comparisons let pass. */
static void fill_scalars(const lyaopt_system *system, double *scalars)
{
    scalars[0] = system->slot_duration_s;
    scalars[1] = system->energy_coefficient + 0.0;
    scalars[2] = system->energy_weight_local + 0.0;
    scalars[3] = system->energy_weight_transmit + 0.0;
    scalars[4] = system->edge_capacity_hz + 0.0;
    scalars[5] = system->noise_psd_w_per_hz;
}

static double *put(double *to, const double *values, size_t count)
{
    memcpy(to, values, count * sizeof *to);
    return to + count;
}

static const double *or_queue(const double *weight, const double *queue)
{
    return weight != NULL ? weight : queue;
}

/* Lay out the weights of all services, the queues where there are none; nothing if no weight is given. */
static double *put_weights(double *to, const lyaopt_state *state, size_t items)
{
    if (state->local_weight == NULL && state->transmit_weight == NULL && state->edge_weight == NULL)
        return to;
    to = put(to, or_queue(state->local_weight, state->local_queue_cycles), items);
    to = put(to, or_queue(state->transmit_weight, state->transmit_queue_bits), items);
    return put(to, or_queue(state->edge_weight, state->edge_queue_cycles), items);
}

EXPORT size_t lyaopt_slot_workspace(int64_t devices, int64_t services)
{
    if (!sizes_are_good(devices, services, 1))
        return 0;
    /* No less than what is laid out for a slot with weights, and lyaopt_kernel_workspace, whose divisions take as
     * long as much of a slot; or than what few services take (few_devices.py). */
    const size_t laid_out = (size_t)devices * (3 * STAGES * (size_t)services + DEVICE_ROWS + RESULT_ROWS);
    return laid_out + (size_t)devices * (4 * (size_t)services + 30) + 24 * (size_t)services + 320;
}

EXPORT size_t lyaopt_batch_workspace(int64_t devices, int64_t services, int64_t slots)
{
    if (!sizes_are_good(devices, services, slots))
        return 0;
    const size_t multipliers = (size_t)devices * (size_t)slots;
    return multipliers + (size_t)lyaopt_kernel_workspace(services, devices, slots);
}

static void report(const double *summary, double tau, lyaopt_certificate *certificate)
{
    certificate->objective_local = summary[LOCAL_OBJECTIVE];
    certificate->objective_transmit = summary[TRANSMIT_OBJECTIVE];
    certificate->objective_edge = summary[EDGE_OBJECTIVE];
    certificate->edge_price = tau * summary[EDGE_NU];
    certificate->relative_gap = summary[RELATIVE_GAP];
    certificate->max_violation = summary[VIOLATION];
}

static int verdict(const double *summary)
{
    const double objective = summary[LOCAL_OBJECTIVE] + summary[TRANSMIT_OBJECTIVE] + summary[EDGE_OBJECTIVE];
    const int certified = fabs(objective) < INFINITY && summary[RELATIVE_GAP] <= LARGEST_GAP && summary[VIOLATION] <= LARGEST_GAP;
    return certified ? LYAOPT_OK : LYAOPT_NOT_CERTIFIED;
}

static int has_weights(const lyaopt_state *state)
{
    return state->local_weight != NULL || state->transmit_weight != NULL || state->edge_weight != NULL;
}

/* Solve few services a device. Returns 0 with nothing written but the workspace if a number is not usual: then
 * check() tells whether it is an error. */
static int solved_few(int64_t devices, int64_t services, const lyaopt_system *system, const lyaopt_state *state,
                      const lyaopt_allocation *to, double *workspace, double *summary)
{
    double scalars[SCALARS];
    fill_scalars(system, scalars);
    double *pointers[] = {read_only(state->local_queue_cycles),
                          read_only(state->transmit_queue_bits),
                          read_only(state->edge_queue_cycles),
                          read_only(state->cpu_capacity_hz),
                          read_only(state->max_power_w),
                          read_only(state->channel_gain),
                          read_only(state->bandwidth_hz),
                          to->local_cpu_hz,
                          to->rate_bps,
                          to->edge_cpu_hz,
                          to->cpu_hz,
                          to->power_w,
                          scalars,
                          workspace,
                          summary};
    const int64_t unusual = summary == NULL ? lyaopt_kernel_few(services, devices, pointers)
                                            : lyaopt_kernel_certified_few(services, devices, pointers);
    return !unusual;
}

EXPORT int lyaopt_solve_slot(int64_t devices, int64_t services, const lyaopt_system *system,
                             const lyaopt_state *state, const lyaopt_allocation *to,
                             lyaopt_certificate *certificate, double *workspace, size_t workspace_size)
{
    double scalars[SCALARS], summary[SUMMARY_PLACES];
    const size_t needed = lyaopt_slot_workspace(devices, services);
    int status = check_arrays(devices, services, 1, system, state, to, workspace, workspace_size, needed);
    if (status)
        return status;
    if (services <= FEW_SERVICES && !has_weights(state)
        && solved_few(devices, services, system, state, to, workspace, certificate == NULL ? NULL : summary)) {
        if (certificate == NULL)
            return LYAOPT_OK;
        report(summary, system->slot_duration_s, certificate);
        return verdict(summary);
    }
    if (certificate == NULL) /* the solution alone takes half the time */
        return lyaopt_solve_batch(devices, services, 1, system, state, to, workspace, workspace_size);
    status = lyaopt_check_numbers(devices, services, 1, system, state);
    if (status)
        return status;
    const size_t count = (size_t)devices, items = (size_t)services * count;
    fill_scalars(system, scalars);
    double *weights = workspace, *queues = put_weights(weights, state, items);
    double *rows = put(put(put(queues, state->local_queue_cycles, items), state->transmit_queue_bits, items),
                       state->edge_queue_cycles, items);
    double *rates = put(put(put(put(rows, state->cpu_capacity_hz, count), state->max_power_w, count),
                            state->channel_gain, count),
                        state->bandwidth_hz, count);
    double *results = rates + STAGES * items;
    double *kernel_workspace = results + RESULT_ROWS * count;
    double *pointers[] = {weights, queues, rows, scalars, rates, results, summary, kernel_workspace};
    const int64_t failed = queues == weights ? lyaopt_kernel_slot(services, devices, pointers + 1)
                                             : lyaopt_kernel_weighted_slot(services, devices, pointers);
    if (failed)
        return LYAOPT_BAD_SIZE;
    put(to->local_cpu_hz, rates, items);
    put(to->rate_bps, rates + items, items);
    put(to->edge_cpu_hz, rates + 2 * items, items);
    put(to->cpu_hz, results + CPU * count, count);
    put(to->power_w, results + POWER * count, count);
    report(summary, scalars[0], certificate);
    return verdict(summary);
}

EXPORT int lyaopt_solve_batch(int64_t devices, int64_t services, int64_t slots, const lyaopt_system *system,
                              const lyaopt_state *state, const lyaopt_allocation *to, double *workspace,
                              size_t workspace_size)
{
    const size_t needed = lyaopt_batch_workspace(devices, services, slots);
    int status = check_arrays(devices, services, slots, system, state, to, workspace, workspace_size, needed);
    if (!status)
        status = lyaopt_check_numbers(devices, services, slots, system, state);
    if (status)
        return status;
    double scalars[SCALARS];
    fill_scalars(system, scalars);
    double *multiplier = workspace, *kernel_workspace = workspace + devices * slots;
    /* weights first: the kernels without them start at the next pointer */
    double *local[] = {read_only(state->local_weight),
                       scalars,
                       read_only(state->local_queue_cycles),
                       read_only(state->cpu_capacity_hz),
                       to->local_cpu_hz,
                       to->cpu_hz,
                       multiplier,
                       kernel_workspace};
    double *transmit[] = {read_only(state->transmit_weight),
                          scalars,
                          read_only(state->transmit_queue_bits),
                          read_only(state->channel_gain),
                          read_only(state->bandwidth_hz),
                          read_only(state->max_power_w),
                          to->rate_bps,
                          to->power_w,
                          multiplier,
                          kernel_workspace};
    double *edge[] = {read_only(state->edge_weight),
                      scalars,
                      read_only(state->edge_queue_cycles),
                      to->edge_cpu_hz,
                      multiplier,
                      kernel_workspace};
    int64_t failed = local[0] == NULL ? lyaopt_kernel_local(services, devices, slots, local + 1)
                                      : lyaopt_kernel_weighted_local(services, devices, slots, local);
    failed |= transmit[0] == NULL ? lyaopt_kernel_transmit(services, devices, slots, transmit + 1)
                                  : lyaopt_kernel_weighted_transmit(services, devices, slots, transmit);
    failed |= edge[0] == NULL ? lyaopt_kernel_edge(services, devices, slots, edge + 1)
                              : lyaopt_kernel_weighted_edge(services, devices, slots, edge);
    return failed ? LYAOPT_BAD_SIZE : LYAOPT_OK;
}

EXPORT const char *lyaopt_message(int status)
{
    switch (status) {
    case LYAOPT_OK:
        return "solved";
    case LYAOPT_BAD_SIZE:
        return "devices, services and slots must be at least 1, and fit into memory";
    case LYAOPT_NULL:
        return "an array that is needed is NULL";
    case LYAOPT_BAD_VALUE:
        return "a value is not finite, negative, 0 where it must be positive, or too small or large in a product";
    case LYAOPT_SMALL_WORKSPACE:
        return "the workspace is too small";
    case LYAOPT_NOT_CERTIFIED:
        return "written, but it cannot be certified in double precision";
    case LYAOPT_BAD_TABLE:
        return "no table of prices of this format, or not all of it";
    case LYAOPT_BAD_HOLDING_COST:
        return "table of prices: holding: expected finite numbers >= 0";
    case LYAOPT_BAD_ROW:
        return "table of prices: scale, row: expected numbers > 0, and rows of the table";
    case LYAOPT_BAD_PRICE:
        return "table of prices: price, integral, slope: expected finite numbers >= 0, and integrals that grow";
    case LYAOPT_BAD_CHANNEL:
        return "channel, gain: expected states of the table, finite numbers >= 0, and a filter of them";
    case LYAOPT_BAD_CUT:
        return "table of prices: cuts: expected points of tasks, or it has none to choose";
    case LYAOPT_BAD_BACKLOG:
        return "backlog: expected finite numbers >= 0";
    case LYAOPT_BAD_WAITING:
        return "waiting: expected numbers of tasks from 0 to 2^53";
    case LYAOPT_BAD_HEAD_LEFT:
        return "head_left: expected finite numbers > 0 where tasks wait";
    default:
        return "unknown status";
    }
}

EXPORT int lyaopt_api_version(void)
{
    return LYAOPT_API_VERSION;
}

EXPORT const char *lyaopt_version(void)
{
    return LYAOPT_VERSION;
}
