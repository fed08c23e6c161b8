"""Entries of the array of options of the random streams, and rows of the state of the channels."""

# Of `options`
RAYLEIGH = 0  # 1, or 0 without fading
FADING_CORRELATION = 1  # of the amplitude, from one slot to the next; 0 draws it independently
SHADOWING = 2  # standard deviation of the natural logarithm of the gain; 0 without shadowing
SHADOWING_CORRELATION = 3  # from one slot to the next
STEP = 4  # standard deviation of the movement of a device in a slot, in metres; 0 if it stays
NEAREST = 5  # distances at which it is reflected, in metres
FARTHEST = 6
PATH_LOSS = 7  # exponent
BUSY_FACTOR = 8  # arrival rates while busy and while quiet, over the mean rate; equal without bursts
QUIET_FACTOR = 9
BUSY_SHARE = 10  # probabilities of being busy: in slot 0,
BUSY_AFTER_BUSY = 11  # after a busy slot,
BUSY_AFTER_QUIET = 12  # after a quiet slot
OPTIONS = 13

# Rows of the state of the channels, one column a lane
SHADOW = 0
AMPLITUDE_REAL = 1
AMPLITUDE_IMAGINARY = 2
DISTANCE = 3
CHANNEL_ROWS = 4
