/* Checks tables of prices and states, and points the compiled kernels at them. See lyaopt.h. */
#include "checks.h"

/* The kernels, from lyaopt/_kernels/simulation/price_entries.py, which names the pointers. They return 0. */
int64_t lyaopt_kernel_price_weights(int64_t services, int64_t devices, double **pointers);
int64_t lyaopt_kernel_price_cuts(int64_t services, int64_t devices, double **pointers);
int64_t lyaopt_kernel_track_channels(int64_t services, int64_t devices, double **pointers);

/* Parts of a table and numbers of the first one, as price_entries.py names them */
enum { NUMBERS, SCALARS, HOLDING, SCALE, ROW, SLOPE, PRICE, INTEGRAL };
enum { MEAN_LOG = INTEGRAL + 1, AMOUNTS, ALONE, TRIED, EDGE_SHARE, DELAY_COST };
enum { MAGIC, FORMAT, LENGTH, DEVICES, SERVICES, TABLES, NODES, STATES, POINTS, CHOICES };
enum { BY_WORK = CHOICES + 1, JOINT, SHARE, CORRELATION, PER_NAT, PERIOD, SIZES };
enum { STAGES = 3, SYSTEM_SCALARS = 6 };

static const double MAGIC_NUMBER = 17121815.0, THIS_FORMAT = 1.0;
static const double MOST = 9007199254740992.0; /* 2^53: whole numbers up to it are exact */

static int is_whole(double value, double least, double most)
{
    return value >= least && value <= most && value == floor(value);
}

static int all_whole(const double *values, int64_t count, double least, double most)
{
    int good = 1;
    for (int64_t i = 0; i < count; i++)
        good &= is_whole(values[i], least, most);
    return good;
}

static int all_positive(const double *values, int64_t count)
{
    int good = 1;
    for (int64_t i = 0; i < count; i++)
        good &= values[i] > 0.0 && values[i] < INFINITY;
    return good;
}

/* How many doubles each part has; 0 if a number is none of this format, or they are more than `size`. */
static int measure(const double *numbers, size_t size, int64_t *counts)
{
    const double largest = 1e6; /* of any number, so that products of three fit */
    if (!is_whole(numbers[LENGTH], SIZES, MOST) || numbers[LENGTH] != (double)size)
        return 0;
    if (!all_whole(numbers + DEVICES, CHOICES - DEVICES + 1, 1.0, largest) || numbers[NODES] < 2.0)
        return 0;
    const double items = numbers[DEVICES] * numbers[SERVICES], nodes = numbers[TABLES] * numbers[NODES];
    const double found[LYAOPT_PRICE_PARTS] = {
        [NUMBERS] = SIZES,
        [SCALARS] = SYSTEM_SCALARS,
        [HOLDING] = STAGES * items,
        [SCALE] = 2 * numbers[DEVICES],
        [ROW] = 2 * items,
        [SLOPE] = numbers[TABLES],
        [PRICE] = nodes,
        [INTEGRAL] = nodes,
        [MEAN_LOG] = numbers[DEVICES],
        [AMOUNTS] = STAGES * items * numbers[POINTS],
        [ALONE] = numbers[STATES] * items,
        [TRIED] = items * numbers[CHOICES],
        [EDGE_SHARE] = items,
        [DELAY_COST] = items,
    };
    double total = 0.0;
    for (int i = 0; i < LYAOPT_PRICE_PARTS; i++) {
        total += found[i];
        if (!(total <= numbers[LENGTH]))
            return 0;
        counts[i] = (int64_t)found[i];
    }
    return total == numbers[LENGTH];
}

static int check_rows(const double *numbers, const double *const *part)
{
    const int64_t items = (int64_t)(numbers[DEVICES] * numbers[SERVICES]);
    const int good = all_positive(part[SCALE], 2 * (int64_t)numbers[DEVICES])
                     && all_whole(part[ROW], items, 0.0, numbers[TABLES] - 1.0)
                     && all_whole(part[ROW] + items, items, 0.0, numbers[TABLES] - numbers[STATES]);
    return good ? LYAOPT_OK : LYAOPT_BAD_ROW;
}

static int check_prices(const double *numbers, const double *const *part)
{
    const int64_t tables = (int64_t)numbers[TABLES], nodes = (int64_t)numbers[NODES];
    double sum;
    int good = all_within(part[PRICE], tables * nodes, &sum) && all_within(part[INTEGRAL], tables * nodes, &sum)
               && all_within(part[SLOPE], tables, &sum);
    for (int64_t t = 0; t < tables; t++) {
        const double *integral = part[INTEGRAL] + t * nodes;
        for (int64_t i = 1; i < nodes; i++)
            good &= integral[i] >= integral[i - 1];
    }
    return good ? LYAOPT_OK : LYAOPT_BAD_PRICE;
}

static int check_filter(const double *numbers, const double *const *part)
{
    int good = within(numbers[SHARE]) && within(numbers[CORRELATION]) && within(numbers[PER_NAT]);
    for (int64_t m = 0; m < (int64_t)numbers[DEVICES]; m++) {
        const double mean = part[MEAN_LOG][m];
        good &= mean > -INFINITY && mean < INFINITY;
        good &= numbers[STATES] > 1.0 || (mean == 0.0 && !signbit(mean)); /* see the_channels */
    }
    return good ? LYAOPT_OK : LYAOPT_BAD_CHANNEL;
}

static int check_cuts(const double *numbers, const double *const *part, const int64_t *counts)
{
    const double last = numbers[POINTS] - 1.0;
    double sum;
    const int good = all_within(part[AMOUNTS], counts[AMOUNTS], &sum) && within(numbers[PERIOD])
                     && all_whole(part[ALONE], counts[ALONE], 0.0, last)
                     && all_whole(part[TRIED], counts[TRIED], -1.0, last)
                     && all_positive(part[EDGE_SHARE], counts[EDGE_SHARE])
                     && all_within(part[DELAY_COST], counts[DELAY_COST], &sum);
    return good ? LYAOPT_OK : LYAOPT_BAD_CUT;
}

static int check_parts(const double *numbers, const double *const *part, const int64_t *counts)
{
    double sum;
    if (!all_within(part[SCALARS], SYSTEM_SCALARS, &sum) || !(part[SCALARS][0] > 0.0))
        return LYAOPT_BAD_TABLE;
    for (int i = 0; i < SYSTEM_SCALARS; i++) {
        if (signbit(part[SCALARS][i])) /* -0.0, which lyaopt never writes */
            return LYAOPT_BAD_TABLE;
    }
    if (!all_whole(numbers + BY_WORK, 2, 0.0, 1.0))
        return LYAOPT_BAD_TABLE;
    if (!all_within(part[HOLDING], counts[HOLDING], &sum))
        return LYAOPT_BAD_HOLDING_COST;
    int status = check_rows(numbers, part);
    status = status ? status : check_prices(numbers, part);
    status = status ? status : check_filter(numbers, part);
    return status ? status : check_cuts(numbers, part, counts);
}

EXPORT int lyaopt_read_prices(const double *table, size_t size, lyaopt_prices *prices)
{
    int64_t counts[LYAOPT_PRICE_PARTS];
    if (table == NULL || prices == NULL)
        return LYAOPT_NULL;
    if (size < SIZES || table[MAGIC] != MAGIC_NUMBER || table[FORMAT] != THIS_FORMAT || !measure(table, size, counts))
        return LYAOPT_BAD_TABLE;
    const double *part[LYAOPT_PRICE_PARTS];
    const double *next = table;
    for (int i = 0; i < LYAOPT_PRICE_PARTS; i++) {
        part[i] = next;
        next += counts[i];
    }
    const int status = check_parts(table, part, counts);
    if (status)
        return status;
    const double *scalars = part[SCALARS];
    prices->devices = (int64_t)table[DEVICES];
    prices->services = (int64_t)table[SERVICES];
    prices->states = (int64_t)table[STATES];
    prices->system = (lyaopt_system){scalars[0], scalars[1], 1.0, 1.0, scalars[4], scalars[5]};
    for (int i = 0; i < LYAOPT_PRICE_PARTS; i++)
        prices->part[i] = part[i];
    return LYAOPT_OK;
}

static int check_queue(const lyaopt_prices *prices, const lyaopt_waiting *queues, int64_t i)
{
    const double rate = prices->part[HOLDING][i], left = queues->head_left[i];
    if (!within(queues->backlog[i]))
        return LYAOPT_BAD_BACKLOG;
    if (queues->waiting[i] < 0 || (double)queues->waiting[i] > MOST)
        return LYAOPT_BAD_WAITING;
    if (queues->waiting[i] > 0 && (!(left > 0.0 && left < INFINITY) || !within(rate / left)))
        return LYAOPT_BAD_HEAD_LEFT;
    return LYAOPT_OK;
}

static int check_waiting(const lyaopt_prices *prices, const lyaopt_waiting *queues)
{
    if (prices == NULL || queues == NULL || !queues->backlog || !queues->head_left || !queues->waiting)
        return LYAOPT_NULL;
    if (prices->states > 1 && queues->channel == NULL)
        return LYAOPT_NULL;
    for (int64_t i = 0; i < STAGES * prices->services * prices->devices; i++) {
        const int status = check_queue(prices, queues, i);
        if (status)
            return status;
    }
    for (int64_t m = 0; queues->channel != NULL && m < prices->devices; m++) {
        if (queues->channel[m] < 0 || queues->channel[m] >= prices->states)
            return LYAOPT_BAD_CHANNEL;
    }
    return LYAOPT_OK;
}

/* Whole numbers, as the kernels take them: behind pointers to doubles. */
static double *as_pointer(const int64_t *values)
{
    return (double *)values;
}

/* States of channels; where all have one state, M zeros of the table, whose bits are those of whole ones. */
static double *the_channels(const lyaopt_prices *prices, const lyaopt_waiting *queues)
{
    return queues->channel != NULL ? as_pointer(queues->channel) : read_only(prices->part[MEAN_LOG]);
}

static int point(const lyaopt_prices *prices, double **pointers)
{
    for (int i = 0; i < LYAOPT_PRICE_PARTS; i++)
        pointers[i] = read_only(prices->part[i]);
    return LYAOPT_PRICE_PARTS;
}

static int point_at_queues(const lyaopt_prices *prices, const lyaopt_waiting *queues, double **pointers)
{
    int next = point(prices, pointers);
    pointers[next++] = read_only(queues->backlog);
    pointers[next++] = read_only(queues->head_left);
    pointers[next++] = as_pointer(queues->waiting);
    pointers[next++] = the_channels(prices, queues);
    return next;
}

EXPORT int lyaopt_price_weights(const lyaopt_prices *prices, const lyaopt_waiting *queues, double *weights)
{
    const int status = check_waiting(prices, queues);
    if (status || weights == NULL)
        return status ? status : LYAOPT_NULL;
    double *pointers[LYAOPT_PRICE_PARTS + 5];
    pointers[point_at_queues(prices, queues, pointers)] = weights;
    lyaopt_kernel_price_weights(prices->services, prices->devices, pointers);
    double sum;
    const int good = all_within(weights, STAGES * prices->services * prices->devices, &sum);
    return good ? LYAOPT_OK : LYAOPT_BAD_VALUE;
}

EXPORT int lyaopt_price_cuts(const lyaopt_prices *prices, const lyaopt_waiting *queues, int64_t *cuts,
                             double *workspace, size_t workspace_size)
{
    const int status = check_waiting(prices, queues);
    if (status || cuts == NULL || workspace == NULL)
        return status ? status : LYAOPT_NULL;
    if (!(prices->part[NUMBERS][PERIOD] > 0.0))
        return LYAOPT_BAD_CUT;
    if (workspace_size < (size_t)(STAGES * prices->services * prices->devices))
        return LYAOPT_SMALL_WORKSPACE;
    double *pointers[LYAOPT_PRICE_PARTS + 6];
    const int next = point_at_queues(prices, queues, pointers);
    pointers[next] = as_pointer(cuts);
    pointers[next + 1] = workspace;
    lyaopt_kernel_price_cuts(prices->services, prices->devices, pointers);
    return LYAOPT_OK;
}

EXPORT int lyaopt_track_channels(const lyaopt_prices *prices, const double *gain, double *level, int64_t *channel)
{
    if (prices == NULL || gain == NULL || level == NULL || channel == NULL)
        return LYAOPT_NULL;
    for (int64_t m = 0; m < prices->devices; m++) {
        if (!within(gain[m]) || !(level[m] > -INFINITY && level[m] < INFINITY))
            return LYAOPT_BAD_CHANNEL;
    }
    for (int64_t m = 0; prices->states == 1 && m < prices->devices; m++)
        channel[m] = 0;
    double *pointers[LYAOPT_PRICE_PARTS + 3];
    const int next = point(prices, pointers);
    pointers[next] = read_only(gain);
    pointers[next + 1] = level;
    pointers[next + 2] = as_pointer(channel);
    lyaopt_kernel_track_channels(prices->services, prices->devices, pointers);
    return LYAOPT_OK;
}
