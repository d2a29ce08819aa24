"""Owns the rule language: text to a verdict, for one document or for every match of a filter."""
