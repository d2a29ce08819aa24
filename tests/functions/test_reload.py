"""The eye on the functions' folder, by inotify and by the system's own tree watch."""

import asyncio
import os
import shutil
import sys
import threading

import pytest

from emulator.functions.reload import watcher as watcher_module
from emulator.functions.reload.inotify import InotifySource
from emulator.functions.reload.native import NativeSource
from emulator.functions.reload.watcher import FolderWatcher, best_source

# watchdog's own observer of inotify, which stands for those of macOS and Windows here, warns on its
# one reader thread when it meets a new folder twice: in a walk through the folder above, and in the
# folder's own event. As an error the warning ends that thread, for the rest of the process.
pytestmark = pytest.mark.filterwarnings("ignore:Callback with id:RuntimeWarning")

SOURCES = {"native": NativeSource}
if sys.platform == "linux":
    SOURCES["inotify"] = InotifySource
WAIT_S = 10


class Heard:
    """The changes a watcher told of."""

    def __init__(self, watcher_of):
        self.changes = []
        self.came = asyncio.Event()
        self.watcher = watcher_of(self.take)

    def take(self, names):
        self.changes.append(names)
        self.came.set()

    async def of(self, *names):
        """Wait until all of these were told, and forget them."""
        async with asyncio.timeout(WAIT_S):
            while not set(names) <= set().union(*self.changes):
                self.came.clear()
                await self.came.wait()
        await self.quiet()

    async def quiet(self):
        """Wait until nothing more is told, and forget what was."""
        count = -1
        while count != len(self.changes):
            count = len(self.changes)
            await asyncio.sleep(watcher_module.DEBOUNCE_S * 3)
        self.changes.clear()


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "project" / "functions"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "index.py").write_text("x = 1")
    return folder


@pytest.fixture(params=list(SOURCES))
def source(request):
    return SOURCES[request.param]


@pytest.fixture
async def watch(source):
    watchers = []

    def start(root):
        loop = asyncio.get_running_loop()
        heard = Heard(lambda take: FolderWatcher(root, take, loop=loop, source=source))
        heard.watcher.start()
        watchers.append(heard.watcher)
        return heard

    yield start
    for watcher in watchers:
        watcher.close()


def save_in_place(file):
    file.write_text("x = 2")


def save_by_rename(file):
    """As editors do that never want to lose a file."""
    other = file.with_name(".index.py.writing")
    other.write_text("x = 2")
    other.replace(file)


def save_by_moving_aside(file):
    """As vim does: the old file gets another name, a new one is written."""
    file.rename(file.with_name("index.py~"))
    file.write_text("x = 2")
    file.with_name("index.py~").unlink()


@pytest.mark.parametrize("save", [save_in_place, save_by_rename, save_by_moving_aside])
async def test_saved_file_is_told_by_the_name_of_its_function(watch, root, save):
    heard = watch(root)
    save(root / "a" / "index.py")
    await heard.of("a")
    save(root / "b" / "index.py")
    await heard.of("b")


async def test_only_the_function_that_changed_is_told(watch, root):
    heard = watch(root)
    await heard.quiet()
    save_in_place(root / "a" / "index.py")
    async with asyncio.timeout(WAIT_S):
        await heard.came.wait()
    assert heard.changes == [{"a"}]


@pytest.mark.parametrize("path", ["a/config.json", "a/deep/er/helper.py", "_shared/money.py"])
async def test_new_files_are_told_also_in_new_folders(watch, root, path):
    heard = watch(root)
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}")
    await heard.of(path.split("/")[0])
    file.write_text("{ }")
    await heard.of(path.split("/")[0])


async def test_new_function_is_told_and_then_watched(watch, root):
    heard = watch(root)
    (root / "c").mkdir()
    (root / "c" / "index.py").write_text("x = 1")
    await heard.of("c")
    save_in_place(root / "c" / "index.py")
    await heard.of("c")


async def test_function_moved_in_from_elsewhere_is_told_and_then_watched(watch, root, tmp_path):
    ready = tmp_path / "ready"
    (ready / "inner").mkdir(parents=True)
    (ready / "inner" / "helper.py").write_text("x = 1")
    heard = watch(root)
    ready.rename(root / "c")
    await heard.of("c")
    save_in_place(root / "c" / "inner" / "helper.py")
    await heard.of("c")


async def test_deleted_function_is_told(watch, root):
    heard = watch(root)
    shutil.rmtree(root / "a")
    await heard.of("a")
    save_in_place(root / "b" / "index.py")
    await heard.of("b")


async def test_renamed_function_is_told_by_both_names(watch, root):
    heard = watch(root)
    (root / "a").rename(root / "c")
    await heard.of("a", "c")
    save_in_place(root / "c" / "index.py")
    await heard.of("c")


async def test_function_moved_out_is_told_at_once(watch, root, tmp_path):
    heard = watch(root)
    (root / "a").rename(tmp_path / "elsewhere")
    await heard.of("a")


async def test_file_of_the_root_itself_has_no_name(watch, root):
    heard = watch(root)
    (root / "package.json").write_text("{}")
    await heard.of("")


@pytest.mark.parametrize(
    "path",
    [
        "a/node_modules/x/index.js",
        "a/__pycache__/index.pyc",
        "a/.git/HEAD",
        "a/.venv/lib/x.py",
        "a/.index.py.swp",
        "a/index.py~",
        "node_modules/x/index.js",
    ],
)
async def test_what_tools_write_is_not_told(watch, root, path):
    heard = watch(root)
    await heard.quiet()
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("x")
    file.write_text("y")
    save_in_place(root / "b" / "index.py")
    async with asyncio.timeout(WAIT_S):
        await heard.came.wait()
    assert set().union(*heard.changes) == {"b"}


async def test_many_changes_are_told_together(watch, root):
    heard = watch(root)
    for number in range(100):
        (root / "a" / f"{number}.py").write_text("x")
    await asyncio.sleep(watcher_module.DEBOUNCE_MAX_S * 2)
    assert 1 <= len(heard.changes) <= 3
    assert set().union(*heard.changes) == {"a"}


async def test_root_that_comes_later_is_watched(watch, tmp_path):
    root = tmp_path / "not" / "yet" / "there"
    heard = watch(root)
    (root / "a").mkdir(parents=True)
    await heard.of("")
    (root / "a" / "index.py").write_text("x = 1")
    await heard.of("a")


async def test_files_beside_a_missing_root_are_not_told(watch, tmp_path):
    heard = watch(tmp_path / "missing")
    (tmp_path / "beside.txt").write_text("x")
    (tmp_path / "folder").mkdir()
    await asyncio.sleep(watcher_module.DEBOUNCE_MAX_S)
    assert heard.changes == []


@pytest.mark.parametrize("going", ["deleted", "renamed", "deleted with its parent"])
async def test_root_that_goes_and_comes_again_is_watched_again(watch, root, going):
    heard = watch(root)
    if going == "deleted":
        shutil.rmtree(root)
    elif going == "renamed":
        root.rename(root.with_name("elsewhere"))
    else:
        shutil.rmtree(root.parent)
    await heard.of("")
    (root / "a").mkdir(parents=True)
    await heard.of("")
    (root / "a" / "index.py").write_text("x = 3")
    await heard.of("a")


async def test_folder_made_again_quickly_is_still_watched(watch, root):
    heard = watch(root)
    for _ in range(5):
        shutil.rmtree(root / "a")
        (root / "a").mkdir()
        (root / "a" / "index.py").write_text("x")
    await heard.of("a")
    save_in_place(root / "a" / "index.py")
    await heard.of("a")


async def test_nothing_is_told_after_close_and_no_thread_is_left(source, root):
    before = set(threading.enumerate())
    loop = asyncio.get_running_loop()
    heard = Heard(lambda take: FolderWatcher(root, take, loop=loop, source=source))
    heard.watcher.start()
    save_in_place(root / "a" / "index.py")
    heard.watcher.close()
    heard.watcher.close()
    save_in_place(root / "b" / "index.py")
    await asyncio.sleep(watcher_module.DEBOUNCE_MAX_S)
    assert heard.changes == []
    shared = {each for each in threading.enumerate() if type(each).__name__ == "InotifyFD"}
    left = set(threading.enumerate()) - before
    # watchdog's own observer keeps one reader for the whole process; ours brings and ends its own.
    assert left <= (shared if source is NativeSource else set())


async def test_two_watchers_of_one_folder_do_not_disturb_each_other(watch, root):
    first, second = watch(root), watch(root)
    save_in_place(root / "a" / "index.py")
    await first.of("a")
    second.changes.clear()
    first.watcher.close()
    save_in_place(root / "b" / "index.py")
    await second.of("b")


@pytest.mark.skipif(sys.platform != "linux", reason="counts inotify watches")
async def test_node_modules_cost_no_watch(root):
    for number in range(4_000):
        os.makedirs(root / "a" / "node_modules" / f"p{number}")
    loop = asyncio.get_running_loop()
    heard = Heard(lambda take: FolderWatcher(root, take, loop=loop, source=InotifySource))
    heard.watcher.start()
    assert len(heard.watcher._source._folders) == 3
    save_in_place(root / "a" / "index.py")
    await heard.of("a")
    heard.watcher.close()


@pytest.mark.skipif(sys.platform != "linux", reason="follows what inotify does")
async def test_linked_folder_is_watched_and_a_circle_of_links_ends(root, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "index.py").write_text("x = 1")
    (root / "linked").symlink_to(elsewhere, target_is_directory=True)
    (root / "a" / "up").symlink_to(root, target_is_directory=True)
    loop = asyncio.get_running_loop()
    heard = Heard(lambda take: FolderWatcher(root, take, loop=loop, source=InotifySource))
    heard.watcher.start()
    assert len(heard.watcher._source._folders) < 10
    save_in_place(elsewhere / "index.py")
    await heard.of("linked")
    heard.watcher.close()


@pytest.mark.skipif(sys.platform != "linux", reason="drops events as inotify does")
async def test_dropped_events_make_everything_be_looked_at_again(root):
    loop = asyncio.get_running_loop()
    heard = Heard(lambda take: FolderWatcher(root, take, loop=loop, source=InotifySource))
    heard.watcher.start()
    heard.watcher._source.overflowed()
    await heard.of("")
    save_in_place(root / "a" / "index.py")
    await heard.of("a")
    heard.watcher.close()


async def test_system_that_refuses_is_said_and_nothing_breaks(root):
    class Refusing:
        def __init__(self, root, heard):
            pass

        def start(self):
            raise OSError(28, "inotify watch limit reached")

        def close(self):
            pass

    watcher = FolderWatcher(
        root, lambda names: None, loop=asyncio.get_running_loop(), source=Refusing
    )
    watcher.start()
    assert "inotify watch limit reached" in watcher.fault
    watcher.close()


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors")
async def test_a_watch_that_is_refused_or_never_begun_leaves_no_descriptor(root, monkeypatch):
    def refuse(*_):
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(InotifySource, "_watch", refuse)
    before = len(os.listdir("/proc/self/fd"))
    loop = asyncio.get_running_loop()
    for started in (False, True):
        watcher = FolderWatcher(root, lambda names: None, loop=loop, source=InotifySource)
        if started:
            watcher.start()
            assert "limit reached" in watcher.fault
        watcher.close()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_best_source_falls_back_where_inotify_is_not_to_be_had(root, monkeypatch):
    def refuse(*_):
        raise OSError(24, "too many open files")

    monkeypatch.setattr(watcher_module, "InotifySource", refuse)
    assert isinstance(best_source(root, lambda path, is_folder: None), NativeSource)
