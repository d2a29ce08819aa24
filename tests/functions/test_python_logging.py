"""The `logging` that user code imports."""

import logging

import pytest

BASIC = "logging.basicConfig({})"


@pytest.mark.parametrize(
    ("statements", "lines"),
    [
        pytest.param(
            "logging.debug('d'); logging.info('i'); logging.warning('w'); logging.error('e')",
            [("info", "i"), ("warn", "w"), ("error", "e")],
            id="info and above by default",
        ),
        pytest.param(
            "logging.getLogger('shop').info('sold %d', 3)", [("info", "sold 3")], id="named logger"
        ),
        pytest.param(
            "logging.getLogger(__name__).critical('down')", [("error", "down")], id="critical"
        ),
        pytest.param(
            "logging.getLogger().setLevel(logging.DEBUG); logging.getLogger('a.b').debug('d')",
            [("debug", "d")],
            id="level of the root",
        ),
        pytest.param(
            "logging.getLogger().setLevel(logging.ERROR); logging.warning('w'); logging.error('e')",
            [("error", "e")],
            id="a higher level too",
        ),
        pytest.param(
            "logging.basicConfig(level=logging.DEBUG); logging.getLogger('x').debug('d')",
            [("debug", "DEBUG:x:d")],
            id="basicConfig",
        ),
        pytest.param(
            "logging.basicConfig(); logging.info('i')", [("info", "INFO:root:i")], id="plain config"
        ),
        pytest.param(
            "import sys; logging.basicConfig(stream=sys.stdout, format='%(message)s', force=True)\n"
            "    logging.error('e')",
            [("error", "e")],
            id="own stream and format",
        ),
        pytest.param(
            "log = logging.getLogger(); log.addHandler(logging.StreamHandler()); log.info('once')",
            [("info", "once")],
            id="own handler",
        ),
        pytest.param(
            "logging.disable(logging.INFO); logging.info('i'); logging.warning('w')",
            [("warn", "w")],
            id="disable",
        ),
        pytest.param(
            "logging.getLogger('p').getChild('c').info('child')", [("info", "child")], id="child"
        ),
        pytest.param(
            "logging.config.dictConfig({'version': 1, 'handlers': {'h': {'class':"
            " 'logging.StreamHandler'}}, 'root': {'handlers': ['h'], 'level': 'DEBUG'}})\n"
            "    logging.getLogger('q').debug('configured')",
            [("debug", "configured")],
            id="dictConfig",
        ),
        pytest.param(
            "log = logging.LoggerAdapter(logging.getLogger('z'), {}); log.warning('adapted')",
            [("warn", "adapted")],
            id="adapter",
        ),
    ],
)
async def test_records_become_lines_with_their_level(stage, statements, lines):
    await stage.run(f"import logging, logging.config\ndef main():\n    {statements}")
    assert stage.lines == lines


async def test_exception_record_holds_the_traceback(stage):
    code = """
    import logging
    def main():
        try: 1 / 0
        except ZeroDivisionError: logging.exception("it broke")
    """
    await stage.run(code)
    assert stage.lines[0] == ("error", "it broke")
    assert stage.lines[-1] == ("error", "ZeroDivisionError: division by zero")


async def test_levels_and_handlers_stay_with_their_function(stage):
    loud = await stage.load(
        "loud",
        "import logging\nlogging.basicConfig(level=logging.DEBUG)\ndef main(): logging.debug('d')",
    )
    quiet = await stage.load("quiet", "import logging\ndef main(): logging.debug('d')")
    root = (logging.root.level, list(logging.root.handlers))
    await stage.result(loud)
    await stage.result(quiet)
    assert stage.lines == [("debug", "DEBUG:root:d")]
    assert (logging.root.level, list(logging.root.handlers)) == root
    logging.getLogger("suite").debug("nothing of this is shown")


async def test_reload_does_not_double_the_handlers_of_a_logger(stage):
    code = """
    import logging
    log = logging.getLogger("shop")
    log.addHandler(logging.StreamHandler())
    def main(): log.info("sold")
    """
    for _ in range(3):
        generation = await stage.load("fn", code)
    await stage.result(generation)
    assert stage.lines == [("info", "sold")]


async def test_loggers_are_of_the_standard_classes(stage):
    code = """
    import logging
    from logging.handlers import MemoryHandler
    def main():
        logger = logging.getLogger("a")
        return [isinstance(logger, logging.Logger), logging.getLogger("a") is logger,
                isinstance(MemoryHandler(1), logging.Handler), logging.getLogger() is logging.root]
    """
    assert await stage.run(code) == [True] * 4


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("logging.shutdown()", id="shutdown"),
        pytest.param("logging.config.dictConfig({'version': 1})", id="dictConfig"),
    ],
)
async def test_users_code_does_not_close_the_suites_handlers(stage, tmp_path, statement):
    handler = logging.FileHandler(tmp_path / "suite.log")
    await stage.run(f"import logging, logging.config\ndef main(): {statement}")
    assert handler.stream is not None
    assert not handler.stream.closed
    handler.close()
