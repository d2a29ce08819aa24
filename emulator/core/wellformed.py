"""Owns making any text one that UTF-8 can hold.

Not here: which text needs it. The one idea: Python and JavaScript know halves of surrogate pairs,
out of a cut emoji or a file's name, and no encoder takes them; what comes from user code and goes
out as text is mended where it enters, as JavaScript does it for its own.
"""

from emulator.core.values import Value


def wellformed(text: str) -> str:
    """Return the text with split pairs joined and lone halves as U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def wellformed_data(value: Value) -> Value:
    """Return data with every text and every name of a field mended."""
    kind = type(value)
    if kind is str:
        return wellformed(value)
    if kind is dict:
        return {wellformed(key): wellformed_data(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [wellformed_data(item) for item in value]
    return value
