"""What a StreamZero FX service written in Python sees of its run: `from fx_ef import context`."""
from fx_ef._channel import FxError
from fx_ef._context import Context

__version__ = "0.1.0"
__all__ = ["Context", "FxError", "context", "get_param"]

_context = None


def _enter(channel):
    global _context
    _context = Context(channel)


def get_param(name, default=None):
    """The parameter `name` of this run, else `default`."""
    return __getattr__("context").params.get(name, default)


# Looked up late, so that the package can be imported, and documented, where there is no run.
def __getattr__(name):
    if name != "context":
        raise AttributeError(f"module 'fx_ef' has no attribute {name!r}")
    if _context is None:
        raise RuntimeError("there is no run: fx_ef.context exists in scripts that the platform has started")
    return _context
