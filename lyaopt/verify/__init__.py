"""How we know that the solvers are right: random problems, independent references, a campaign."""
