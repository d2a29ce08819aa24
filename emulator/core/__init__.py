"""The pure core: values, queries, updates and rules, handed everything, time included."""
