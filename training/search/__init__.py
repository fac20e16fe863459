"""One study over boosters, their parameters and balancing: drawn, run by workers, resumed."""
