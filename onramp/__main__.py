"""`python -m onramp`."""

from __future__ import annotations

from onramp.cli import main

if __name__ == "__main__":
    main()
