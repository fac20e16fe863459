"""One page about a home: who serves, how well, what moved, what was done about it."""
