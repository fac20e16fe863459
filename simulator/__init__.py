"""Makes an onboarding event log whose truth is known."""
