/* A client of `lyaopt serve --socket PATH`: examples/slot.json, configured once, then solved in each slot.
 *
 *     cc serve_client.c $(lyaopt info --cflags) -o serve_client && ./serve_client PATH [SLOTS]
 *
 * Nothing is linked. It prints the lines of slot.c; tests hold them to the answer of `lyaopt solve-slot`.
 */
#define _POSIX_C_SOURCE 200809L
#include <lyaopt_serve.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { DEVICES = 4, SERVICES = 2, ITEMS = DEVICES * SERVICES, LARGEST = 1024 }; /* bytes of a payload */

static const int64_t BUDGET_NS = 1000000000; /* of a slot; a controller takes a part of its period */

typedef struct system_payload {
    lyaopt_configuration head;
    double cpu_capacity_hz[DEVICES], max_power_w[DEVICES], bandwidth_hz[DEVICES];
} system_payload;

typedef struct state_payload {
    double local_queue_cycles[ITEMS], transmit_queue_bits[ITEMS], edge_queue_cycles[ITEMS];
    double channel_gain[DEVICES];
} state_payload;

typedef struct solution_payload {
    double local_cpu_hz[ITEMS], rate_bps[ITEMS], edge_cpu_hz[ITEMS];
    double rows[LYAOPT_SOLUTION_ROWS][DEVICES];
    lyaopt_solution_summary summary;
} solution_payload;

static int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int send_all(int server, const void *data, size_t size)
{
    const char *left = data;
    while (size > 0) {
        ssize_t sent = send(server, left, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return 0;
        left += sent;
        size -= (size_t)sent;
    }
    return 1;
}

static int receive_all(int server, void *data, size_t size)
{
    char *left = data;
    while (size > 0) {
        ssize_t got = recv(server, left, size, 0);
        if (got <= 0)
            return 0;
        left += got;
        size -= (size_t)got;
    }
    return 1;
}

/* Send a request, and receive an answer of exactly `room` bytes; print what went wrong. */
static int ask(int server, int kind, int64_t deadline_ns, const void *payload, size_t size, void *answer, size_t room)
{
    static uint64_t number;
    lyaopt_frame frame = {.version = LYAOPT_FRAME_VERSION, .kind = (uint8_t)kind, .number = ++number};
    memcpy(frame.magic, LYAOPT_FRAME_MAGIC, sizeof frame.magic);
    frame.deadline_ns = deadline_ns;
    frame.length = (uint32_t)size;
    /* in one piece: the server wakes up once */
    char request[sizeof frame + LARGEST];
    memcpy(request, &frame, sizeof frame);
    if (size > 0)
        memcpy(request + sizeof frame, payload, size);
    if (!send_all(server, request, sizeof frame + size) || !receive_all(server, &frame, sizeof frame)) {
        fprintf(stderr, "the server is gone\n");
        return 0;
    }
    if (frame.status != LYAOPT_FRAME_OK) {
        char text[LARGEST + 1] = {0};
        if (frame.length <= LARGEST && receive_all(server, text, frame.length))
            fprintf(stderr, "status %d: %s\n", frame.status, text);
        return 0;
    }
    if (memcmp(frame.magic, LYAOPT_FRAME_MAGIC, sizeof frame.magic) != 0 || frame.number != number ||
        frame.length != room || !receive_all(server, answer, room)) {
        fprintf(stderr, "unexpected answer\n");
        return 0;
    }
    return 1;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    if (server < 0 || strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    if (connect(server, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(server);
        return -1;
    }
    return server;
}

static void print_solution(const solution_payload *solution)
{
    for (int m = 0; m < DEVICES; m++) {
        printf("%d %.17g %.17g", m, solution->rows[LYAOPT_ROW_CPU_HZ][m], solution->rows[LYAOPT_ROW_POWER_W][m]);
        for (int n = 0; n < SERVICES; n++) {
            int i = n * DEVICES + m;
            printf(" %.17g %.17g %.17g", solution->local_cpu_hz[i], solution->rate_bps[i], solution->edge_cpu_hz[i]);
        }
        printf("\n");
    }
    const lyaopt_solution_summary *summary = &solution->summary;
    double objective = summary->local_objective + summary->transmit_objective + summary->edge_objective;
    printf("objective %.17g gap %.2g\n", objective, summary->relative_gap);
}

int main(int count, char **arguments)
{
    const lyaopt_hello hello = {LYAOPT_FRAME_VERSION, LYAOPT_FRAME_VERSION};
    const system_payload system = {
        .head = {DEVICES, SERVICES, 0.01, 1e-28, 1e17, 1e13, 2e10, -174.0},
        .cpu_capacity_hz = {1500000000.0, 1500000000.0, 1500000000.0, 1500000000.0},
        .max_power_w = {0.3, 0.3, 0.3, 0.3},
        .bandwidth_hz = {250000.0, 250000.0, 250000.0, 250000.0},
    };
    /* [n * DEVICES + m]: the first services of all devices, then the second ones */
    const state_payload state = {
        .local_queue_cycles = {
            0.0, 32167850.757, 33647808.146, 189071273.645,
            0.0, 4519572640.022, 0.0, 56085415.366,
        },
        .transmit_queue_bits = {
            0.0, 0.0, 0.0, 967583.74,
            3575218.178, 0.0, 2885.048, 3591799.639,
        },
        .edge_queue_cycles = {
            70252356.625, 10762829.653, 35990557.527, 0.0,
            0.0, 0.0, 0.0, 42535198.496,
        },
        .channel_gain = {1.49198e-11, 2.16396e-11, 3.45454e-12, 5.73251e-11},
    };
    lyaopt_greeting greeting;
    lyaopt_sizes sizes;
    solution_payload solution;
    int64_t clock;

    int server = count < 2 ? -1 : connect_to(arguments[1]);
    if (server < 0) {
        fprintf(stderr, "usage: serve_client PATH [SLOTS], where a server listens\n");
        return 2;
    }
    if (!ask(server, LYAOPT_FRAME_HELLO, 0, &hello, sizeof hello, &greeting, sizeof greeting) ||
        !ask(server, LYAOPT_FRAME_CONFIGURE, 0, &system, sizeof system, &sizes, sizeof sizes))
        return 1;
    if (sizes.state_bytes != sizeof state || sizes.solution_bytes != sizeof solution)
        return 1;
    int slots = count > 2 ? atoi(arguments[2]) : 1;
    do
        if (!ask(server, LYAOPT_FRAME_SOLVE, clock_ns() + BUDGET_NS, &state, sizeof state, &solution, sizeof solution))
            return 1;
    while (--slots > 0);
    if (!ask(server, LYAOPT_FRAME_PING, 0, NULL, 0, &clock, sizeof clock))
        return 1;
    close(server);
    print_solution(&solution);
    return 0;
}
