"""Owns aggregation: pipelines of stages, and the expressions inside them and inside `$expr`."""
