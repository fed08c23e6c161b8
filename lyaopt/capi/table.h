/* Where the numbers of a table of prices are, as lyaopt/_kernels/simulation/price_entries.py names them. */
#ifndef LYAOPT_TABLE_H
#define LYAOPT_TABLE_H

#include "checks.h"

/* Parts of a table, and numbers of the first one */
enum { NUMBERS, SCALARS, HOLDING, SCALE, ROW, SLOPE, PRICE, INTEGRAL };
enum { MEAN_LOG = INTEGRAL + 1, AMOUNTS, ALONE, TRIED, EDGE_SHARE, DELAY_COST };
enum { MAGIC, FORMAT, LENGTH, DEVICES, SERVICES, TABLES, NODES, STATES, POINTS, CHOICES };
enum { BY_WORK = CHOICES + 1, JOINT, SHARE, CORRELATION, PER_NAT, PERIOD, SIZES };
enum { STAGES = 3, SYSTEM_SCALARS = 6 };

#endif
