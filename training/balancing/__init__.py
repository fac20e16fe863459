"""What can be done about rare classes, inside training folds only, and what it brought."""
