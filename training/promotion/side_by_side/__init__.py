"""Two versions of a task beside each other: what each is, and does on the same unseen rows."""
