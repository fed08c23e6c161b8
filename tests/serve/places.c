/* Puts a bad number into every array that the library reads, at its first, a middle and its last place, and prints
 * what calls and explanations say: "call explained text" in each line. test_capi_places.py knows the answers.
 *
 *     places TABLE_OF_PRICES PLACE_IN_IT... */
#include <lyaopt.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEVICES = 3, SERVICES = 2, SLOTS = 5, ITEMS = SERVICES * DEVICES, WORKSPACE = 20000 };

static double rows[4][DEVICES * SLOTS], items[6][ITEMS * SLOTS], out[5][ITEMS * SLOTS], workspace[WORKSPACE];
static lyaopt_system system_ = {0.01, 1e-28, 1e17, 1e13, 2e10, 3.981071705534986e-21};
static const lyaopt_allocation to = {out[0], out[1], out[2], out[3], out[4]};
static const lyaopt_state state = {rows[0], rows[1], rows[2], rows[3], items[0], items[1], items[2],
                                   items[3], items[4], items[5]};
static char text[200];

static void line(int called, int explained)
{
    printf("%d %d %s\n", called, explained, text);
}

static void fill(void)
{
    static const double DEVICE[] = {1e9, 0.2, 1e6, 1e-10}, ITEM[] = {1e7, 1e6, 1e7, 2e7, 2e6, 2e7};
    for (int i = 0; i < 4; i++) {
        for (int m = 0; m < DEVICES * SLOTS; m++)
            rows[i][m] = DEVICE[i] * (1.0 + m);
    }
    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < ITEMS * SLOTS; k++)
            items[i][k] = ITEM[i] * (1.0 + k);
    }
}

/* A slot alone, with and without certificate, or many slots */
static void call(int slots, int certified)
{
    lyaopt_certificate certificate;
    const int status = slots > 1 ? lyaopt_solve_batch(DEVICES, SERVICES, slots, &system_, &state, &to, workspace, WORKSPACE)
                                 : lyaopt_solve_slot(DEVICES, SERVICES, &system_, &state, &to,
                                                     certified ? &certificate : NULL, workspace, WORKSPACE);
    line(status, lyaopt_explain(DEVICES, SERVICES, slots, &system_, &state, text, sizeof text));
}

static void try_places(double *array, int count, double bad, int slots, int certified)
{
    const int places[] = {0, count / 2, count - 1};
    for (int i = 0; i < 3; i++) {
        const double good = array[places[i]];
        array[places[i]] = bad;
        call(slots, certified);
        array[places[i]] = good;
    }
}

static void try_state(double bad, int slots, int certified)
{
    for (int i = 0; i < 3; i++)
        try_places(rows[i], DEVICES, bad, slots, certified);
    try_places(rows[3], DEVICES * slots, bad, slots, certified);
    for (int i = 0; i < 6; i++)
        try_places(items[i], ITEMS * slots, bad, slots, certified);
    double *number = &system_.slot_duration_s; /* six, one after the other */
    for (int i = 0; i < 6; i++) {
        const double good = number[i];
        number[i] = bad;
        call(slots, certified);
        number[i] = good;
    }
}

static void try_waiting(const lyaopt_prices *prices, lyaopt_waiting *waiting, double *amounts, int64_t *counts, double bad)
{
    static double weights[3 * 64], room[3 * 64];
    static int64_t cuts[64];
    const int count = (int)(3 * prices->services * prices->devices), places[] = {0, count / 2, count - 1};
    for (int i = 0; i < 3; i++) {
        const double good = amounts == NULL ? (double)counts[places[i]] : amounts[places[i]];
        if (amounts == NULL)
            counts[places[i]] = (int64_t)bad;
        else
            amounts[places[i]] = bad;
        const int called = lyaopt_price_weights(prices, waiting, weights);
        if (called != lyaopt_price_cuts(prices, waiting, cuts, room, 3 * 64))
            exit(3);
        line(called, lyaopt_explain_waiting(prices, waiting, text, sizeof text));
        if (amounts == NULL)
            counts[places[i]] = (int64_t)good;
        else
            amounts[places[i]] = good;
    }
}

static void try_channels(const lyaopt_prices *prices, lyaopt_waiting *waiting, int64_t *channel)
{
    static double weights[3 * 64], gain[64], level[64];
    static int64_t found[64];
    const int last = (int)prices->devices - 1, places[] = {0, last / 2, last};
    for (int i = 0; i < 3; i++) {
        const int m = places[i];
        channel[m] = prices->states;
        const int called = lyaopt_price_weights(prices, waiting, weights);
        line(called, lyaopt_explain_waiting(prices, waiting, text, sizeof text));
        channel[m] = 0;
        gain[m] = NAN;
        line(lyaopt_track_channels(prices, gain, level, found),
             lyaopt_explain_gains(prices, gain, level, text, sizeof text));
        gain[m] = 0.0, level[m] = INFINITY;
        line(lyaopt_track_channels(prices, gain, level, found),
             lyaopt_explain_gains(prices, gain, level, text, sizeof text));
        level[m] = 0.0;
    }
}

static void try_prices(const char *path, char **places, int count)
{
    static double table[400000], amounts[2][3 * 64];
    static int64_t counts[3 * 64], channel[64];
    FILE *file = fopen(path, "rb");
    const size_t size = file == NULL ? 0 : fread(table, sizeof *table, sizeof table / sizeof *table, file);
    lyaopt_prices prices;
    if (file == NULL || fclose(file) || lyaopt_read_prices(table, size, &prices))
        exit(2);
    lyaopt_waiting waiting = {amounts[0], amounts[1], counts, channel};
    for (int i = 0; i < 3 * 64; i++)
        amounts[0][i] = 1e6, amounts[1][i] = 1e5, counts[i] = 1;
    try_waiting(&prices, &waiting, amounts[0], NULL, NAN);
    try_waiting(&prices, &waiting, amounts[1], NULL, 0.0);
    try_waiting(&prices, &waiting, NULL, counts, -1.0);
    try_channels(&prices, &waiting, channel);
    for (int i = 0; i < count; i++) { /* the table itself */
        double *number = table + atol(places[i]);
        const double good = *number;
        *number = NAN;
        line(lyaopt_read_prices(table, size, &prices), lyaopt_explain_table(table, size, text, sizeof text));
        *number = good;
    }
}

int main(int argc, char **argv)
{
    static const double BAD[] = {NAN, INFINITY, -1.0};
    fill();
    for (int i = 0; i < 3; i++) {
        try_state(BAD[i], 1, 0);
        try_state(BAD[i], 1, 1);
        try_state(BAD[i], SLOTS, 0);
    }
    if (argc > 1)
        try_prices(argv[1], argv + 2, argc - 2);
    return 0;
}
