"""Failures as they are told."""

from emulator.functions.python_stack import CHAIN_MAX


async def test_cause_is_told_before_what_it_caused(stage):
    failure = await stage.fail(
        """
        def inner(): raise KeyError("sku")
        def main():
            try: inner()
            except KeyError as fault: raise LookupError("no such article") from fault
        """
    )
    assert failure.message == "LookupError: no such article"
    lines = failure.stack.splitlines()
    assert lines[0] == "KeyError: 'sku'"
    assert lines.index("which caused LookupError: no such article") == 5
    assert (
        lines[-1] == '    except KeyError as fault: raise LookupError("no such article") from fault'
    )


async def test_failure_while_handling_another_says_so(stage):
    failure = await stage.fail(
        """
        def main():
            try: {}["a"]
            except KeyError: int("x")
        """
    )
    assert "while handling it: ValueError" in failure.stack


async def test_cause_that_was_suppressed_is_not_told(stage):
    failure = await stage.fail(
        """
        def main():
            try: {}["a"]
            except KeyError: raise ValueError("only this") from None
        """
    )
    assert "KeyError: 'a'" not in failure.stack


async def test_long_chain_of_causes_is_cut(stage):
    failure = await stage.fail(
        """
        def main():
            fault = None
            for number in range(50):
                try:
                    raise ValueError(number) from fault
                except ValueError as caught:
                    fault = caught
            raise fault
        """
    )
    assert failure.stack.count("which caused") == CHAIN_MAX - 1


async def test_members_of_a_group_are_told(stage):
    failure = await stage.fail(
        """
        import asyncio
        async def broken(): raise ValueError("in a group")
        async def main():
            async with asyncio.TaskGroup() as group:
                group.create_task(broken())
        """
    )
    assert "among them: ValueError: in a group" in failure.stack
    assert "async def broken()" in failure.stack


async def test_frames_of_libraries_and_of_the_suite_are_left_out(stage):
    failure = await stage.fail(
        """
        import json
        def main(): return json.loads("{")
        """
    )
    assert failure.message.startswith("JSONDecodeError: ")
    assert [line for line in failure.stack.splitlines() if "File" in line] == [
        '  File "fn/index.py", line 3, in main'
    ]


async def test_exception_whose_text_fails_is_told_all_the_same(stage):
    failure = await stage.fail(
        """
        class Broken(Exception):
            def __str__(self): raise RuntimeError("no text")
        def main(): raise Broken()
        """
    )
    assert failure.message == "Broken: (its text cannot be shown)"


async def test_own_module_names_are_shown_as_the_user_wrote_them(stage):
    stage.save("fn/helper.py", "x = 1")
    failure = await stage.fail("def main():\n    from helper import missing")
    assert failure.message.startswith("ImportError: cannot import name 'missing' from 'helper'")


async def test_frames_of_shared_code_are_the_users_own(stage):
    stage.save("_shared/prices.py", "def price(): return 1 / 0")
    failure = await stage.fail("from _shared.prices import price\ndef main(): return price()")
    assert '  File "_shared/prices.py", line 1, in price' in failure.stack.splitlines()
