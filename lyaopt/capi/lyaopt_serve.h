/* The binary frames of `lyaopt serve`, for C and C++: layout only, nothing is linked.
 *
 * A frame is a header of 32 bytes and a payload. All numbers are little-endian, as on x86-64 and arm64, where the
 * structures below can be sent as they are; all doubles are float64 in SI units. docs/reference/formats.md says
 * what each kind means, examples/c/serve_client.c is a whole client.
 *
 * Of M devices with N services each, an entry of a service is at [n * M + m], one of a device at [m], as in
 * lyaopt.h. Devices with fewer services have backlogs of 0 at the end.
 */
#ifndef LYAOPT_SERVE_H
#define LYAOPT_SERVE_H

#include <stdint.h>

#define LYAOPT_FRAME_MAGIC "LYAO"
#define LYAOPT_FRAME_VERSION 1

enum lyaopt_frame_kind {
    LYAOPT_FRAME_HELLO = 1,     /* lyaopt_hello; the answer is lyaopt_greeting */
    LYAOPT_FRAME_CONFIGURE = 2, /* lyaopt_configuration, then cpu_capacity_hz, max_power_w and bandwidth_hz,
                                   M doubles each; the answer is lyaopt_sizes */
    LYAOPT_FRAME_SOLVE = 3,     /* local_queue_cycles, transmit_queue_bits and edge_queue_cycles, N M doubles
                                   each, then channel_gain, M doubles; then either nothing or the weights of the
                                   three queues, N M doubles each; the answer is a solution, see below */
    LYAOPT_FRAME_PING = 4,      /* nothing; the answer is the clock of the server in ns, int64_t */
    LYAOPT_FRAME_ANSWER = 0x80  /* added to the kind of the request in the answer */
};

/* Of an answer. Unless it is LYAOPT_FRAME_OK, the payload is text: a path, a line end, and the reason. */
enum lyaopt_frame_status {
    LYAOPT_FRAME_OK = 0,
    LYAOPT_FRAME_REFUSED = 1,        /* a number or length is wrong; nothing has changed */
    LYAOPT_FRAME_LATE = 2,           /* the deadline has passed: deadline_ns says by how much */
    LYAOPT_FRAME_NOT_CONFIGURED = 3, /* solve without configure */
    LYAOPT_FRAME_UNKNOWN_KIND = 4,
    LYAOPT_FRAME_BAD_FRAME = 5,      /* the server closes the connection */
    LYAOPT_FRAME_BAD_VERSION = 6     /* likewise */
};

typedef struct lyaopt_frame {
    char magic[4];       /* LYAOPT_FRAME_MAGIC without its end */
    uint8_t version;     /* LYAOPT_FRAME_VERSION */
    uint8_t kind;
    uint16_t status;     /* 0 in a request */
    uint64_t number;     /* chosen by the client, repeated in the answer */
    int64_t deadline_ns; /* of a request: on the clock of the server (CLOCK_MONOTONIC of Linux), 0 for none;
                            of an answer: the time that was left, negative if it is late, 0 without a deadline */
    uint32_t length;     /* of the payload, in bytes */
    uint32_t zero;
} lyaopt_frame;

typedef struct lyaopt_hello {
    uint32_t lowest_version, highest_version; /* of the client */
} lyaopt_hello;

typedef struct lyaopt_greeting {
    uint32_t version;                         /* which is spoken from now on */
    uint32_t lowest_version, highest_version; /* of the server */
    uint32_t largest_payload;                 /* in bytes */
    int64_t clock_ns;                         /* of the server */
    char lyaopt[24];                          /* its version, ended by 0 */
} lyaopt_greeting;

typedef struct lyaopt_configuration {
    uint32_t devices, services; /* M and N */
    double slot_duration_s, energy_coefficient, energy_weight_local, energy_weight_transmit, edge_capacity_hz;
    double noise_psd_dbm_per_hz; /* in dBm/Hz as in documents, unlike lyaopt.h: -174 */
} lyaopt_configuration;

typedef struct lyaopt_sizes {
    uint32_t state_bytes, solution_bytes; /* of the payload of a solve without weights, and of its answer */
} lyaopt_sizes;

/* A solution is 3 N M doubles, local_cpu_hz, rate_bps and edge_cpu_hz; then 8 M doubles, in this order: */
enum lyaopt_solution_row {
    LYAOPT_ROW_CPU_HZ,
    LYAOPT_ROW_POWER_W,
    LYAOPT_ROW_LOCAL_MULTIPLIER,
    LYAOPT_ROW_TRANSMIT_MULTIPLIER,
    LYAOPT_ROW_LOCAL_ENERGY_J,
    LYAOPT_ROW_TRANSMIT_ENERGY_J,
    LYAOPT_ROW_LOCAL_PRICE,
    LYAOPT_ROW_RATE_PRICE,
    LYAOPT_SOLUTION_ROWS
};

/* and these. */
typedef struct lyaopt_solution_summary {
    double edge_multiplier;
    double local_objective, transmit_objective, edge_objective;
    double relative_gap, max_violation; /* of the certificate; the server sends none above 1e-9 */
} lyaopt_solution_summary;

#endif
