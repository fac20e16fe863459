"""The front door: the `onramp` command. Verbs are imported when called."""
