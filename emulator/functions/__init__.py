"""Plug-ins that run user code: runtimes and trigger kinds behind the ports in `base`."""
