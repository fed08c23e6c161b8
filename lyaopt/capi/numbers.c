/* What numbers the solvers take, and which one is bad. See lyaopt.h. */
#include "checks.h"

#include <float.h>

static const double LEAST = DBL_MIN; /* of full precision: what is computed from inputs is 0 or at least that */
static const double LARGEST_SIGNAL = 8.218407461554972e307; /* e^709 - 1: its logarithm can be taken back */
enum { STAGES = 3, ROWS = 4 };

static const char BACKLOG[] = "expected 0 or at least 2.3e-308, also over the slot length";
static const char SUM[] = "the sum over the slot length is not finite";
static const char BANDS[] = "the sum times the noise, or times the slot length, is not finite";
static const char BAND[] = "times the noise, or times the slot length, it is not from 2.3e-308 to 1.7e308";
static const char SIGNAL[] = "the signal-to-noise ratio at full power is beyond 8.2e307, or one is below 2.3e-308 but not 0";

static fault bad(const char *field, int64_t index, double value, const char *reason)
{
    return (fault){LYAOPT_BAD_VALUE, field, index, value, reason};
}

static fault fault_of_number(const char *field, double value, int positive)
{
    if (within(value) && (value > 0.0 || !positive))
        return NONE;
    return bad(field, -1, value, positive ? POSITIVE : NUMBER);
}

static fault fault_of_system(const lyaopt_system *system)
{
    const fault faults[] = {fault_of_number("system.slot_duration_s", system->slot_duration_s, 1),
                            fault_of_number("system.energy_coefficient", system->energy_coefficient, 0),
                            fault_of_number("system.energy_weight_local", system->energy_weight_local, 0),
                            fault_of_number("system.energy_weight_transmit", system->energy_weight_transmit, 0),
                            fault_of_number("system.edge_capacity_hz", system->edge_capacity_hz, 0),
                            fault_of_number("system.noise_psd_w_per_hz", system->noise_psd_w_per_hz, 1)};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (faults[i].field != NULL)
            return faults[i];
    }
    return NONE;
}

/* The loops over whole arrays have no branch; which number is bad is asked only where one is. */
static fault fault_of_array(const char *field, const double *values, int64_t count, int positive)
{
    double sum;
    int good = all_within(values, count, &sum);
    for (int64_t i = 0; positive && i < count; i++)
        good &= values[i] > 0.0;
    for (int64_t i = 0; !good && i < count; i++) {
        if (!within(values[i]) || (positive && values[i] == 0.0))
            return bad(field, i, values[i], positive ? POSITIVE : NUMBER);
    }
    return NONE;
}

/* All backlogs are 0, or numbers of full precision, also over the slot length. */
static fault fault_of_backlogs(const char *field, const double *values, int64_t count, double tau)
{
    const double least = LEAST * (tau > 1.0 ? tau : 1.0);
    double sum;
    if (!all_within(values, count, &sum))
        return fault_of_array(field, values, count, 0);
    if (!(sum / tau < INFINITY))
        return bad(field, -1, sum, SUM);
    int good = 1;
    for (int64_t i = 0; i < count; i++)
        good &= (values[i] >= least) | (values[i] == 0.0);
    for (int64_t i = 0; !good && i < count; i++) {
        if (values[i] < least && values[i] != 0.0)
            return bad(field, i, values[i], BACKLOG);
    }
    return NONE;
}

/* Whether doubles hold a number to its full precision. */
static int is_normal(double value)
{
    return value >= LEAST && value < INFINITY;
}

static fault fault_of_signal(int64_t m, int64_t slots, const lyaopt_state *state, const lyaopt_system *system)
{
    const double band = state->bandwidth_hz[m], power = state->max_power_w[m];
    const double floor = band * system->noise_psd_w_per_hz;
    if (!is_normal(floor) || !is_normal(band * system->slot_duration_s))
        return bad("state.bandwidth_hz", m, band, BAND);
    for (int64_t b = 0; b < slots; b++) {
        const double gain = state->channel_gain[m * slots + b], ratio = gain / floor;
        const int faint = gain > 0.0 && (ratio < LEAST || (power > 0.0 && power * ratio < LEAST));
        if (faint || !(power * ratio <= LARGEST_SIGNAL))
            return bad("state.channel_gain", m * slots + b, gain, SIGNAL);
    }
    return NONE;
}

static fault fault_of_signals(int64_t devices, int64_t slots, const lyaopt_state *state, const lyaopt_system *system)
{
    const double most_of_hz = system->noise_psd_w_per_hz > system->slot_duration_s ? system->noise_psd_w_per_hz
                                                                                  : system->slot_duration_s;
    double whole = 0.0;
    for (int64_t m = 0; m < devices; m++)
        whole += state->bandwidth_hz[m];
    fault found = NONE;
    if (!(whole * most_of_hz < INFINITY))
        found = bad("state.bandwidth_hz", -1, whole, BANDS);
    for (int64_t m = 0; found.field == NULL && m < devices; m++)
        found = fault_of_signal(m, slots, state, system);
    return found;
}

static fault fault_of_state(int64_t devices, int64_t services, int64_t slots, const lyaopt_system *system,
                            const lyaopt_state *state)
{
    static const char *const QUEUES[]
        = {"state.local_queue_cycles", "state.transmit_queue_bits", "state.edge_queue_cycles"};
    static const char *const WEIGHTS[] = {"state.local_weight", "state.transmit_weight", "state.edge_weight"};
    static const char *const FIELDS[]
        = {"state.cpu_capacity_hz", "state.max_power_w", "state.bandwidth_hz", "state.channel_gain"};
    const double *queues[] = {state->local_queue_cycles, state->transmit_queue_bits, state->edge_queue_cycles};
    const double *weights[] = {state->local_weight, state->transmit_weight, state->edge_weight};
    const double *rows[] = {state->cpu_capacity_hz, state->max_power_w, state->bandwidth_hz, state->channel_gain};
    const int64_t items = services * devices * slots;
    fault found = NONE;
    for (int i = 0; found.field == NULL && i < STAGES; i++) {
        found = fault_of_backlogs(QUEUES[i], queues[i], items, system->slot_duration_s);
        if (found.field == NULL && weights[i] != NULL)
            found = fault_of_array(WEIGHTS[i], weights[i], items, 0);
    }
    for (int i = 0; found.field == NULL && i < ROWS; i++)
        found = fault_of_array(FIELDS[i], rows[i], i == ROWS - 1 ? devices * slots : devices, i == 2);
    return found.field != NULL ? found : fault_of_signals(devices, slots, state, system);
}

static fault fault_of(int64_t devices, int64_t services, int64_t slots, const lyaopt_system *system,
                      const lyaopt_state *state)
{
    const fault found = fault_of_system(system);
    return found.field != NULL ? found : fault_of_state(devices, services, slots, system, state);
}

SHARED int lyaopt_check_numbers(int64_t devices, int64_t services, int64_t slots, const lyaopt_system *system,
                         const lyaopt_state *state)
{
    return fault_of(devices, services, slots, system, state).status;
}

static fault fault_of_pointers(const lyaopt_system *system, const lyaopt_state *state)
{
    if (system == NULL || state == NULL)
        return fault_of_missing(system == NULL ? "system" : "state");
    const double *arrays[] = {state->cpu_capacity_hz,    state->max_power_w,         state->bandwidth_hz,
                              state->channel_gain,       state->local_queue_cycles,  state->transmit_queue_bits,
                              state->edge_queue_cycles};
    static const char *const FIELDS[] = {"state.cpu_capacity_hz",     "state.max_power_w",
                                         "state.bandwidth_hz",        "state.channel_gain",
                                         "state.local_queue_cycles",  "state.transmit_queue_bits",
                                         "state.edge_queue_cycles"};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        if (arrays[i] == NULL)
            return fault_of_missing(FIELDS[i]);
    }
    return NONE;
}

static fault fault_of_sizes(int64_t devices, int64_t services, int64_t slots)
{
    static const char COUNT[] = "expected at least 1";
    if (devices < 1)
        return (fault){LYAOPT_BAD_SIZE, "devices", -1, (double)devices, COUNT};
    if (services < 1)
        return (fault){LYAOPT_BAD_SIZE, "services", -1, (double)services, COUNT};
    if (slots < 1)
        return (fault){LYAOPT_BAD_SIZE, "slots", -1, (double)slots, COUNT};
    if (!sizes_are_good(devices, services, slots))
        return (fault){LYAOPT_BAD_SIZE, "devices * services * slots", -1,
                       (double)devices * (double)services * (double)slots, "expected what fits into memory"};
    return NONE;
}

EXPORT int lyaopt_explain(int64_t devices, int64_t services, int64_t slots, const lyaopt_system *system,
                          const lyaopt_state *state, char *text, size_t size)
{
    fault found = fault_of_sizes(devices, services, slots);
    if (found.status == LYAOPT_OK)
        found = fault_of_pointers(system, state);
    if (found.status == LYAOPT_OK)
        found = fault_of(devices, services, slots, system, state);
    return lyaopt_tell(found, text, size);
}

EXPORT int lyaopt_explain_allocation(const lyaopt_allocation *to, char *text, size_t size)
{
    static const char *const FIELDS[] = {"allocation.local_cpu_hz", "allocation.rate_bps", "allocation.edge_cpu_hz",
                                         "allocation.cpu_hz", "allocation.power_w"};
    if (to == NULL)
        return lyaopt_tell(fault_of_missing("allocation"), text, size);
    const double *arrays[] = {to->local_cpu_hz, to->rate_bps, to->edge_cpu_hz, to->cpu_hz, to->power_w};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        if (arrays[i] == NULL)
            return lyaopt_tell(fault_of_missing(FIELDS[i]), text, size);
    }
    return lyaopt_tell(NONE, text, size);
}
