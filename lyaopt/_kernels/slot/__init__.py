"""The three slot problems: solvers and certificates."""
