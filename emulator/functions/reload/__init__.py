"""Owns the eye on the functions' folder: something changed, by name of the function.

Not here: what changed in it (`bundle`) and the new generation (`services.registry`). The one idea:
one of two sources hears of changes (`inotify`, `native`), and `watcher` tells them on the loop.
"""

from emulator.functions.reload.watcher import FolderWatcher

__all__ = ["FolderWatcher"]
