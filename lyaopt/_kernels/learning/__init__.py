"""What the upper level observes, and the credit for its decisions."""
