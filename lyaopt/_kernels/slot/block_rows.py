"""Names of the rows in the blocks that pass between lane solvers; one column a lane."""

# What a lane is given (see marginal_costs.py)
LIMIT = 0
SCALE = 1
INVERSE = 2
FLOOR = 3
GIVEN_ROWS = 4

# What is found
TOTAL = 0  # work served, S* tau
EFFORT = 1  # what that takes of the resource
LEVEL = 2  # backlog of the partly served items; those above it are served whole; 0 if all are
PART = 3  # what each item at LEVEL is served
FOUND_ROWS = 4
