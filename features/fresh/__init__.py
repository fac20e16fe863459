"""Features of single customers as soon as something new is known of them.

The view's own SQL, the one that builds the tables, runs over what one customer did. Nothing is
updated in place: a fresh row is computed whole, at a moment, of all that was received by it, so it
is the row that a build of that moment would make.
"""
