/* Reads tables of prices, and says what is bad in one. See lyaopt.h. */
#include "table.h"

#include <float.h>

static const double MAGIC_NUMBER = 17121815.0, THIS_FORMAT = 1.0;
static const double LARGEST_SIZE = 1e6; /* so that products of three fit */

static const char *const NUMBERS_BY_NAME[SIZES]
    = {"table.magic",  "table.format",  "table.length", "table.devices", "table.services",    "table.tables",
       "table.nodes",  "table.states",  "table.points", "table.choices", "table.by_work",     "table.joint",
       "table.share",  "table.correlation", "table.per_nat", "table.period"};
static const char *const PARTS_BY_NAME[LYAOPT_PRICE_PARTS]
    = {"table",           "table.scalars",  "table.holding", "table.scale", "table.row",        "table.slope",
       "table.price",     "table.integral", "table.mean_log", "table.amounts", "table.alone",   "table.tried",
       "table.edge_share", "table.delay_cost"};

/* A table, its parts, and how many doubles each has. */
typedef struct layout {
    const double *numbers;
    const double *part[LYAOPT_PRICE_PARTS];
    int64_t count[LYAOPT_PRICE_PARTS];
} layout;

/* What numbers must be: from `least` to `most`, or above `least`, or whole. */
typedef struct rule {
    enum { FROM, ABOVE, WHOLE } kind;
    double least, most;
    const char *reason;
} rule;

static const rule AMOUNT = {FROM, 0.0, DBL_MAX, NUMBER}, ABOVE_ZERO = {ABOVE, 0.0, DBL_MAX, POSITIVE};

static int obeys(double value, rule asked)
{
    if (!(value >= asked.least && value <= asked.most)) /* NaN does not */
        return 0;
    return asked.kind == WHOLE ? value == floor(value) : asked.kind == FROM || value > asked.least;
}

static fault fault_of_number(const layout *table, int place, rule asked, int status)
{
    const double value = table->numbers[place];
    return obeys(value, asked) ? NONE : (fault){status, NUMBERS_BY_NAME[place], -1, value, asked.reason};
}

/* Of entries `first` to `end` of a part. */
static fault fault_between(const layout *table, int part, int64_t first, int64_t end, rule asked, int status)
{
    const double *values = table->part[part];
    for (int64_t i = first; i < end; i++) {
        if (!obeys(values[i], asked))
            return (fault){status, PARTS_BY_NAME[part], i, values[i], asked.reason};
    }
    return NONE;
}

static fault fault_of_part(const layout *table, int part, rule asked, int status)
{
    return fault_between(table, part, 0, table->count[part], asked, status);
}

static fault fault_of_head(const layout *table, size_t size)
{
    const rule magic = {FROM, MAGIC_NUMBER, MAGIC_NUMBER, "expected what tables of this machine begin with"};
    const rule format = {FROM, THIS_FORMAT, THIS_FORMAT, "expected format 1"};
    const rule length = {FROM, (double)size, (double)size, "expected as many doubles as there are"};
    const rule sizes = {WHOLE, 1.0, LARGEST_SIZE, "expected a whole number from 1 to 1000000"};
    const rule nodes = {WHOLE, 2.0, LARGEST_SIZE, "expected a whole number from 2 to 1000000"};
    fault found = fault_of_number(table, MAGIC, magic, LYAOPT_BAD_TABLE);
    if (!found.status)
        found = fault_of_number(table, FORMAT, format, LYAOPT_BAD_TABLE);
    if (!found.status)
        found = fault_of_number(table, LENGTH, length, LYAOPT_BAD_TABLE);
    for (int place = DEVICES; !found.status && place <= CHOICES; place++)
        found = fault_of_number(table, place, place == NODES ? nodes : sizes, LYAOPT_BAD_TABLE);
    return found;
}

/* Find how many doubles each part has, and where it is. */
static fault lay_out(layout *table)
{
    const double *numbers = table->numbers;
    const double items = numbers[DEVICES] * numbers[SERVICES], nodes = numbers[TABLES] * numbers[NODES];
    const double counts[LYAOPT_PRICE_PARTS] = {
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
    for (int i = 0; i < LYAOPT_PRICE_PARTS && total <= numbers[LENGTH]; i++) {
        table->part[i] = numbers + (int64_t)total;
        table->count[i] = (int64_t)counts[i];
        total += counts[i];
    }
    const rule length = {FROM, total, total, "expected the length of its parts"};
    return fault_of_number(table, LENGTH, length, LYAOPT_BAD_TABLE);
}

static fault fault_of_scalars(const layout *table)
{
    const rule flag = {WHOLE, 0.0, 1.0, "expected 0 or 1"};
    fault found = fault_between(table, SCALARS, 0, 1, ABOVE_ZERO, LYAOPT_BAD_TABLE);
    if (!found.status)
        found = fault_of_part(table, SCALARS, AMOUNT, LYAOPT_BAD_TABLE);
    for (int i = 0; !found.status && i < SYSTEM_SCALARS; i++) {
        if (signbit(table->part[SCALARS][i])) /* -0.0, which lyaopt never writes */
            found = (fault){LYAOPT_BAD_TABLE, PARTS_BY_NAME[SCALARS], i, table->part[SCALARS][i], NUMBER};
    }
    if (!found.status)
        found = fault_of_number(table, BY_WORK, flag, LYAOPT_BAD_TABLE);
    return found.status ? found : fault_of_number(table, JOINT, flag, LYAOPT_BAD_TABLE);
}

static fault fault_of_rows(const layout *table)
{
    const double tables = table->numbers[TABLES];
    const rule any = {WHOLE, 0.0, tables - 1.0, "expected a row of the table"};
    const rule first = {WHOLE, 0.0, tables - table->numbers[STATES], "expected the first row of all states"};
    const int64_t items = table->count[ROW] / 2;
    fault found = fault_of_part(table, SCALE, ABOVE_ZERO, LYAOPT_BAD_ROW);
    if (!found.status)
        found = fault_between(table, ROW, 0, items, any, LYAOPT_BAD_ROW);
    return found.status ? found : fault_between(table, ROW, items, 2 * items, first, LYAOPT_BAD_ROW);
}

static fault fault_of_prices(const layout *table)
{
    static const int PARTS[] = {PRICE, INTEGRAL, SLOPE};
    const int64_t nodes = (int64_t)table->numbers[NODES];
    fault found = NONE;
    for (int i = 0; !found.status && i < 3; i++)
        found = fault_of_part(table, PARTS[i], AMOUNT, LYAOPT_BAD_PRICE);
    for (int64_t i = 1; !found.status && i < table->count[INTEGRAL]; i++) {
        const rule grows = {FROM, table->part[INTEGRAL][i - 1], DBL_MAX, "expected no less than the one before"};
        if (i % nodes != 0)
            found = fault_between(table, INTEGRAL, i, i + 1, grows, LYAOPT_BAD_PRICE);
    }
    return found;
}

static fault fault_of_filter(const layout *table)
{
    static const int PLACES[] = {SHARE, CORRELATION, PER_NAT};
    const rule mean = {FROM, -DBL_MAX, DBL_MAX, "expected a finite number"};
    const rule zero = {FROM, 0.0, 0.0, "expected 0, as a channel has one state"};
    const int slow = table->numbers[STATES] > 1.0;
    fault found = NONE;
    for (int i = 0; !found.status && i < 3; i++)
        found = fault_of_number(table, PLACES[i], AMOUNT, LYAOPT_BAD_CHANNEL);
    if (!found.status)
        found = fault_of_part(table, MEAN_LOG, slow ? mean : zero, LYAOPT_BAD_CHANNEL);
    for (int64_t m = 0; !found.status && !slow && m < table->count[MEAN_LOG]; m++) {
        if (signbit(table->part[MEAN_LOG][m])) /* see the_channels in prices.c */
            found = (fault){LYAOPT_BAD_CHANNEL, PARTS_BY_NAME[MEAN_LOG], m, -0.0, zero.reason};
    }
    return found;
}

static fault fault_of_cuts(const layout *table)
{
    const double last = table->numbers[POINTS] - 1.0;
    const rule point = {WHOLE, 0.0, last, "expected a partition point of the tasks"};
    const rule tried = {WHOLE, -1.0, last, "expected a partition point of the tasks, or -1"};
    fault found = fault_of_part(table, AMOUNTS, AMOUNT, LYAOPT_BAD_CUT);
    if (!found.status)
        found = fault_of_number(table, PERIOD, AMOUNT, LYAOPT_BAD_CUT);
    if (!found.status)
        found = fault_of_part(table, ALONE, point, LYAOPT_BAD_CUT);
    if (!found.status)
        found = fault_of_part(table, TRIED, tried, LYAOPT_BAD_CUT);
    if (!found.status)
        found = fault_of_part(table, EDGE_SHARE, ABOVE_ZERO, LYAOPT_BAD_CUT);
    return found.status ? found : fault_of_part(table, DELAY_COST, AMOUNT, LYAOPT_BAD_CUT);
}

static fault read_table(const double *values, size_t size, layout *table)
{
    if (values == NULL)
        return fault_of_missing("table");
    if (size < SIZES)
        return (fault){LYAOPT_BAD_TABLE, "table", -1, (double)size, "expected at least 16 doubles"};
    table->numbers = values;
    fault found = fault_of_head(table, size);
    if (!found.status)
        found = lay_out(table);
    if (!found.status)
        found = fault_of_scalars(table);
    if (!found.status)
        found = fault_of_part(table, HOLDING, AMOUNT, LYAOPT_BAD_HOLDING_COST);
    if (!found.status)
        found = fault_of_rows(table);
    if (!found.status)
        found = fault_of_prices(table);
    if (!found.status)
        found = fault_of_filter(table);
    return found.status ? found : fault_of_cuts(table);
}

EXPORT int lyaopt_read_prices(const double *values, size_t size, lyaopt_prices *prices)
{
    layout table;
    if (prices == NULL)
        return LYAOPT_NULL;
    const fault found = read_table(values, size, &table);
    if (found.status)
        return found.status;
    const double *scalars = table.part[SCALARS];
    prices->devices = (int64_t)values[DEVICES];
    prices->services = (int64_t)values[SERVICES];
    prices->states = (int64_t)values[STATES];
    prices->system = (lyaopt_system){scalars[0], scalars[1], 1.0, 1.0, scalars[4], scalars[5]};
    for (int i = 0; i < LYAOPT_PRICE_PARTS; i++)
        prices->part[i] = table.part[i];
    return LYAOPT_OK;
}

EXPORT int lyaopt_explain_table(const double *values, size_t size, char *text, size_t text_size)
{
    layout table;
    return lyaopt_tell(read_table(values, size, &table), text, text_size);
}
