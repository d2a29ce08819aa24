"""Plug-ins that keep bytes and documents across restarts, behind the ports in `base`."""
