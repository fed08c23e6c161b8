/* Exact solvers for the slot problems of Lyapunov-guided DNN offloading, for C and C++.
 *
 * Nothing here allocates memory, keeps state between calls, or prints. All functions may be called from several
 * threads at once, as long as no two calls write into the same arrays, workspace included. Pointers are used
 * during the call only: the caller owns every array before, while and after.
 *
 * Arrays are contiguous doubles in SI units. M devices have N services each, of B slots: an entry of a service
 * is at [n * M + m] in a slot, at [(n * M + m) * B + b] in a batch; one of a device is at [m], or
 * [m * B + b]. Devices with fewer services have empty queues at the end, which are given nothing. Arrays that
 * are written must not overlap each other or those that are read.
 *
 * The model and the problems are those of the documentation: docs/explanation/solvers.md,
 * docs/howto/call-from-c.md.
 */
#ifndef LYAOPT_H
#define LYAOPT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LYAOPT_API_VERSION 2

/* What a call returns; lyaopt_message says it in words. */
enum lyaopt_status {
    LYAOPT_OK = 0,
    LYAOPT_BAD_SIZE = 1,        /* devices, services or slots below 1, or beyond what memory can hold */
    LYAOPT_NULL = 2,            /* an array that is needed is NULL (weights are not) */
    LYAOPT_BAD_VALUE = 3,       /* a value is NaN, infinite or negative, or 0 where it must be positive; or
                                   signals, noise or rates are beyond double precision: a backlog, also over
                                   the slot length, and signal over noise, also at full power, must be 0 or at
                                   least DBL_MIN; bandwidth times noise or slot length at least DBL_MIN */
    LYAOPT_SMALL_WORKSPACE = 4, /* fewer doubles than the workspace function says */
    LYAOPT_NOT_CERTIFIED = 5,   /* written, but with a relative gap or violation above 1e-9, or an objective beyond
                                   double precision: magnitudes are extreme */
    /* Of prices: what is bad */
    LYAOPT_BAD_TABLE = 6,        /* no table of prices of this format, or not all of it */
    LYAOPT_BAD_HOLDING_COST = 7, /* of a table: a cost of waiting */
    LYAOPT_BAD_ROW = 8,          /* of a table: the row or the scale of a service */
    LYAOPT_BAD_PRICE = 9,        /* of a table: a price, its integral or its slope */
    LYAOPT_BAD_CHANNEL = 10,     /* of a table: its filter of channels; else a gain or the state of a channel */
    LYAOPT_BAD_CUT = 11,         /* of a table: what is known of cuts; or none is to be chosen */
    LYAOPT_BAD_BACKLOG = 12,     /* backlog is NaN, infinite or negative */
    LYAOPT_BAD_WAITING = 13,     /* fewer than 0 tasks, or more than 2^53 */
    LYAOPT_BAD_HEAD_LEFT = 14    /* head_left of a queue with tasks is not above 0, or beyond double precision */
};

/* What holds for all devices. */
typedef struct lyaopt_system {
    double slot_duration_s;        /* tau > 0 */
    double energy_coefficient;     /* delta, W s^3 */
    double energy_weight_local;    /* U^l */
    double energy_weight_transmit; /* U^t */
    double edge_capacity_hz;       /* F^e */
    double noise_psd_w_per_hz;     /* N_0 > 0; -174 dBm/Hz is 3.981071705534986e-21 */
} lyaopt_system;

/* What the solvers see of a slot (B = 1) or of B slots. Initialise all of it: what is not named then is NULL. */
typedef struct lyaopt_state {
    const double *cpu_capacity_hz;       /* [M] F^l */
    const double *max_power_w;           /* [M] p^max */
    const double *bandwidth_hz;          /* [M] b_w > 0 */
    const double *channel_gain;          /* [M * B] h */
    const double *local_queue_cycles;    /* [N * M * B] Q^l */
    const double *transmit_queue_bits;   /* [N * M * B] Q^t */
    const double *edge_queue_cycles;     /* [N * M * B] Q^e */
    /* What one more cycle or bit of a service is worth, in units of the objective; each is the queue where it is
     * NULL. A service of weight 0 is given what costs nothing, if anything. */
    const double *local_weight;          /* [N * M * B] or NULL */
    const double *transmit_weight;       /* [N * M * B] or NULL */
    const double *edge_weight;           /* [N * M * B] or NULL */
} lyaopt_state;

/* Where the optimal allocation goes; no pointer may be NULL. */
typedef struct lyaopt_allocation {
    double *local_cpu_hz; /* [N * M * B] f^l */
    double *rate_bps;     /* [N * M * B] r */
    double *edge_cpu_hz;  /* [N * M * B] f^e */
    double *cpu_hz;       /* [M * B] sum of f^l over the services of a device */
    double *power_w;      /* [M * B] p */
} lyaopt_allocation;

/* What else is known of a slot. Objectives are as minimised; a price is by how much the objective falls for
 * one more Hz or bit/s of the capacity; the relative gap and the violation certify the optimum. */
typedef struct lyaopt_certificate {
    double objective_local, objective_transmit, objective_edge;
    double edge_price;
    double relative_gap;
    double max_violation;
} lyaopt_certificate;

/* Doubles of workspace that a slot or a batch needs; 0 if the sizes are bad. */
size_t lyaopt_slot_workspace(int64_t devices, int64_t services);
size_t lyaopt_batch_workspace(int64_t devices, int64_t services, int64_t slots);

/* Solve and certify one slot.
 *
 * What comes in is checked before anything is written. Where `certificate` is NULL none is worked out: the
 * solution, the same to the last bit, takes about half the time, and is never LYAOPT_NOT_CERTIFIED. */
int lyaopt_solve_slot(int64_t devices, int64_t services, const lyaopt_system *system, const lyaopt_state *state,
                      const lyaopt_allocation *allocation, lyaopt_certificate *certificate, double *workspace,
                      size_t workspace_size);

/* Solve many slots of the same devices, without certificates. */
int lyaopt_solve_batch(int64_t devices, int64_t services, int64_t slots, const lyaopt_system *system,
                       const lyaopt_state *state, const lyaopt_allocation *allocation, double *workspace,
                       size_t workspace_size);

/* Weights and cuts by prices: see docs/howto/call-from-c.md. A table is an array of doubles that
 * `lyaopt simulate --policy price --save-prices` or Python's lyaopt.simulation.price_table makes of a scenario. */
enum { LYAOPT_PRICE_PARTS = 14 };

/* A table that was checked. It points into the array, which must stay as it is. */
typedef struct lyaopt_prices {
    int64_t devices, services, states; /* M, N, and how many states a channel has: 1 unless it is shadowed */
    lyaopt_system system;              /* of the scenario, with the weights of energy that prices take: 1 */
    const double *part[LYAOPT_PRICE_PARTS]; /* for the library */
} lyaopt_prices;

/* What waits in a slot. The stages come one after the other: local, transmit, edge. */
typedef struct lyaopt_waiting {
    const double *backlog;   /* [3 * N * M] cycles, bits, cycles */
    const double *head_left; /* [3 * N * M] of it, what is left of the first task; any number where none waits */
    const int64_t *waiting;  /* [3 * N * M] tasks */
    const int64_t *channel;  /* [M] states, of lyaopt_track_channels; may be NULL where there is one state */
} lyaopt_waiting;

/* Check a table of `size` doubles; once, before the first slot. */
int lyaopt_read_prices(const double *table, size_t size, lyaopt_prices *prices);

/* Weigh the services of a slot: `weights` [3 * N * M] are the local_weight, transmit_weight and edge_weight of
 * lyaopt_state, one after the other, for a system with weights of energy of 1. Queues where nothing waits get 0. */
int lyaopt_price_weights(const lyaopt_prices *prices, const lyaopt_waiting *waiting, double *weights);

/* Choose the best partition point of the next task of each service: `cuts` [N * M]. `workspace`: 3 * N * M doubles. */
int lyaopt_price_cuts(const lyaopt_prices *prices, const lyaopt_waiting *waiting, int64_t *cuts, double *workspace,
                      size_t workspace_size);

/* Tell the state of each channel from the gains [M] of a slot, in every slot; `level` [M] is 0 before the first. */
int lyaopt_track_channels(const lyaopt_prices *prices, const double *gain, double *level, int64_t *channel);

/* Say what is bad, in one line of at most `size` characters with the final 0, such as
 * "state.channel_gain[3]: expected a finite number >= 0, got nan": the field, and its place in the array. Each
 * returns what a call would return that is given these: LYAOPT_OK if nothing is wrong with them. They take longer
 * than to solve a slot; call one after an error. Weights beyond double precision, for which lyaopt_price_weights
 * returns LYAOPT_BAD_VALUE, are named as those of a state. */
int lyaopt_explain(int64_t devices, int64_t services, int64_t slots, const lyaopt_system *system,
                   const lyaopt_state *state, char *text, size_t size);
int lyaopt_explain_allocation(const lyaopt_allocation *allocation, char *text, size_t size);
int lyaopt_explain_table(const double *table, size_t table_size, char *text, size_t size);
int lyaopt_explain_waiting(const lyaopt_prices *prices, const lyaopt_waiting *waiting, char *text, size_t size);
int lyaopt_explain_gains(const lyaopt_prices *prices, const double *gain, const double *level, char *text,
                         size_t size);

/* A status in words, never NULL; LYAOPT_API_VERSION of the library; and its version, such as "0.1.0". */
const char *lyaopt_message(int status);
int lyaopt_api_version(void);
const char *lyaopt_version(void);

#ifdef __cplusplus
}
#endif
#endif
