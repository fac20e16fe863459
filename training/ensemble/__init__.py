"""One forest from many boosters: what is chosen at the end, made, merged and served."""
