"""Trigger kinds: what a trigger of each kind reacts to, and the event its function gets."""
