"""What stands between a stranger and the models: who may ask, how much, how long, how often."""
