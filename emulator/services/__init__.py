"""Use-cases: the only place where something is decided or done."""
