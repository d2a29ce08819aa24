"""Dialects: bytes to command to result to bytes; they translate and only translate."""
