/* Checks states of queues and channels, and points the compiled kernels at them and a table. See lyaopt.h. */
#include "table.h"

/* The kernels, from lyaopt/_kernels/simulation/price_entries.py, which names the pointers. They return 0. */
int64_t lyaopt_kernel_price_weights(int64_t services, int64_t devices, double **pointers);
int64_t lyaopt_kernel_price_cuts(int64_t services, int64_t devices, double **pointers);
int64_t lyaopt_kernel_track_channels(int64_t services, int64_t devices, double **pointers);

static const double MOST = 9007199254740992.0; /* 2^53: whole numbers up to it are exact */

/* Of one queue: a state has thousands of good ones for each bad one, which is named afterwards. */
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

static fault fault_of_queue(const lyaopt_waiting *queues, int64_t i, int status)
{
    if (status == LYAOPT_BAD_BACKLOG)
        return (fault){status, "waiting.backlog", i, queues->backlog[i], NUMBER};
    if (status == LYAOPT_BAD_WAITING)
        return (fault){status, "waiting.waiting", i, (double)queues->waiting[i], "expected 0 to 2^53 tasks"};
    return (fault){status, "waiting.head_left", i, queues->head_left[i],
                   "expected a finite number > 0 where tasks wait, by which its cost of waiting can be divided"};
}

static fault fault_of_pointers(const lyaopt_prices *prices, const lyaopt_waiting *queues)
{
    if (prices == NULL || queues == NULL)
        return fault_of_missing(prices == NULL ? "prices" : "waiting");
    if (queues->backlog == NULL)
        return fault_of_missing("waiting.backlog");
    if (queues->head_left == NULL)
        return fault_of_missing("waiting.head_left");
    if (queues->waiting == NULL)
        return fault_of_missing("waiting.waiting");
    return prices->states > 1 && queues->channel == NULL ? fault_of_missing("waiting.channel") : NONE;
}

static fault fault_of_waiting(const lyaopt_prices *prices, const lyaopt_waiting *queues)
{
    const fault missing = fault_of_pointers(prices, queues);
    if (missing.status)
        return missing;
    for (int64_t i = 0; i < STAGES * prices->services * prices->devices; i++) {
        const int status = check_queue(prices, queues, i);
        if (status)
            return fault_of_queue(queues, i, status);
    }
    for (int64_t m = 0; queues->channel != NULL && m < prices->devices; m++) {
        if (queues->channel[m] < 0 || queues->channel[m] >= prices->states)
            return (fault){LYAOPT_BAD_CHANNEL, "waiting.channel", m, (double)queues->channel[m],
                           "expected a state of the table"};
    }
    return NONE;
}

EXPORT int lyaopt_explain_waiting(const lyaopt_prices *prices, const lyaopt_waiting *queues, char *text, size_t size)
{
    return lyaopt_tell(fault_of_waiting(prices, queues), text, size);
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
    const int status = fault_of_waiting(prices, queues).status;
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
    const int status = fault_of_waiting(prices, queues).status;
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

static fault fault_of_gains(const lyaopt_prices *prices, const double *gain, const double *level)
{
    if (prices == NULL)
        return fault_of_missing("prices");
    if (gain == NULL || level == NULL)
        return fault_of_missing(gain == NULL ? "gain" : "level");
    for (int64_t m = 0; m < prices->devices; m++) {
        if (!within(gain[m]))
            return (fault){LYAOPT_BAD_CHANNEL, "gain", m, gain[m], NUMBER};
        if (!(level[m] > -INFINITY && level[m] < INFINITY))
            return (fault){LYAOPT_BAD_CHANNEL, "level", m, level[m], "expected a finite number"};
    }
    return NONE;
}

EXPORT int lyaopt_explain_gains(const lyaopt_prices *prices, const double *gain, const double *level, char *text,
                                size_t size)
{
    return lyaopt_tell(fault_of_gains(prices, gain, level), text, size);
}

EXPORT int lyaopt_track_channels(const lyaopt_prices *prices, const double *gain, double *level, int64_t *channel)
{
    const int status = fault_of_gains(prices, gain, level).status;
    if (status || channel == NULL)
        return status ? status : LYAOPT_NULL;
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
