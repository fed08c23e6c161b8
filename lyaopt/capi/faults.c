/* Says in words what is bad. See lyaopt.h. */
#include "checks.h"

#include <stdio.h>

SHARED int lyaopt_tell(fault found, char *text, size_t size)
{
    if (text == NULL || size == 0)
        return found.status;
    if (found.status == LYAOPT_OK)
        snprintf(text, size, "nothing is wrong");
    else if (found.status == LYAOPT_NULL)
        snprintf(text, size, "%s: is NULL", found.field);
    else if (found.index < 0)
        snprintf(text, size, "%s: %s, got %g", found.field, found.reason, found.value);
    else
        snprintf(text, size, "%s[%lld]: %s, got %g", found.field, (long long)found.index, found.reason, found.value);
    return found.status;
}
