"""From stored features to a registered candidate, and from candidate to champion."""
