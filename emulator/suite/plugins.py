"""Owns the plug-ins that a suite is built on: what runs functions, and where data is kept.

Not here: the services that use them (`suite.assembly`).
"""

from collections.abc import Mapping
from typing import Final

from emulator.config import Config
from emulator.core.errors import ConfigurationError
from emulator.functions.base import FunctionRuntime
from emulator.functions.node_process import NodeProcessRuntime
from emulator.functions.process_awake import Awake
from emulator.functions.python_inline import PythonInlineRuntime
from emulator.functions.python_process import PythonProcessRuntime
from emulator.services.handed import Place
from emulator.stores.base import BlobStore, DocumentStore
from emulator.stores.disk import DiskBlobStore
from emulator.stores.tiny import TinyDocumentStore
from emulator.suite.surroundings import Surroundings

DOCUMENTS_FOLDER: Final = "database"
BLOBS_FOLDER: Final = "storage"
PACKAGES_FOLDER: Final = "node"
PYTHON_PACKAGES_FOLDER: Final = "python"


def open_runtimes(
    config: Config, around: Surroundings, place: Place
) -> Mapping[str, FunctionRuntime]:
    """Return what runs functions, by the name of the engine."""
    inline = PythonInlineRuntime(clock=around.clock)
    awake = Awake(around.looks, may=inline.is_idle)
    return {
        "python": inline,
        "python_process": PythonProcessRuntime(
            clock=around.clock, ids=around.ids, variables_of=place.variables_of, awake=awake
        ),
        "node": NodeProcessRuntime(
            clock=around.clock,
            ids=around.ids,
            variables_of=place.variables_of,
            shared=config.data_dir / PACKAGES_FOLDER,
            awake=awake,
        ),
    }


def open_stores(config: Config, around: Surroundings) -> tuple[DocumentStore, BlobStore]:
    """Open documents and files; raises ConfigurationError, StoreError for a bad data folder."""
    mode = "memory" if config.ephemeral else config.database.journal
    try:
        around.folder.mkdir(parents=True, exist_ok=True)
        store = TinyDocumentStore.open(
            around.folder / DOCUMENTS_FOLDER, mode=mode, clock=around.clock.machine
        )
        around.at_end(store.close)
        blobs = DiskBlobStore(around.folder / BLOBS_FOLDER, around.clock, synced=mode == "always")
        around.at_end(blobs.close)
    except OSError as fault:
        raise ConfigurationError(
            f"the data folder {around.folder} cannot be used: {fault.strerror or fault}",
            hint="choose another with --data-dir, or keep nothing with --ephemeral",
        ) from fault
    return store, blobs
