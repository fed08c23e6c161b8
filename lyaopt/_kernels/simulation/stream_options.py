"""Names of the places in the array of options of the random streams, and of the rows of their state."""

# Of `options`
RAYLEIGH = 0  # 1, or 0 for no fading
FADING_CORRELATION = 1  # of the amplitude, from one slot to the next; 0 draws it anew
SHADOWING = 2  # standard deviation of the logarithm of the gain; 0 is none
SHADOWING_CORRELATION = 3  # from one slot to the next
STEP = 4  # standard deviation of what a walking device moves in a slot, metres; 0 is still
NEAREST = 5  # where it is reflected, metres
FARTHEST = 6
PATH_LOSS = 7  # exponent
BUSY_FACTOR = 8  # rates while busy and while quiet, over the mean rate; equal without bursts
QUIET_FACTOR = 9
BUSY_SHARE = 10  # probabilities of being busy: in the first slot,
BUSY_AFTER_BUSY = 11  # and after a slot
BUSY_AFTER_QUIET = 12
OPTIONS = 13

# Of the state of the channels, one column a lane
SHADOW = 0
AMPLITUDE_REAL = 1
AMPLITUDE_IMAGINARY = 2
DISTANCE = 3
CHANNEL_ROWS = 4
