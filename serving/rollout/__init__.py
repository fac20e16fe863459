"""A challenger beside the champion: unseen, or before a share of the customers, with guardrails."""
