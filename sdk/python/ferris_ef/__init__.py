"""The name under which published services know `fx_ef`."""
import fx_ef
from fx_ef import Context, FxError, get_param, get_secret

__version__ = fx_ef.__version__
__all__ = ["Context", "FxError", "context", "get_param", "get_secret"]

# For editors; it has no value until it is asked for.
context: Context


def __getattr__(name):
    if name == "context":
        return fx_ef.context
    raise AttributeError(f"module 'ferris_ef' has no attribute {name!r}")
