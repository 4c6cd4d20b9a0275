"""What a StreamZero FX service written in Python sees of its run: `from fx_ef import context`."""
import os

from fx_ef._channel import FxError
from fx_ef._context import Context

__version__ = "0.1.0"
__all__ = ["Context", "FxError", "context", "get_param", "get_secret"]

# For editors; it has no value until it is asked for.
context: Context

_context = None


def _enter(entered):
    """Begins a run. Modules that live on after one hold its context: of a process with several it is always the same."""
    global _context
    entered._begin()
    _context = entered


def get_param(name, default=None):
    """The parameter `name` of this run, else `default`. Knows `service_name`, `package_name` and `package_id` as well."""
    run = __getattr__("context")
    own = {"service_name": run.service.name, "package_name": run.service.name, "package_id": run.service.id}
    return own[name] if name in own else run.params.get(name, default)


def get_secret(name, default=None):
    """The secret `name`, as `context.secrets.get` finds it, else `default`."""
    return __getattr__("context").secrets.get(name, default)


# Looked up late, so that the package can be imported, and documented, where there is no run.
def __getattr__(name):
    if name != "context":
        raise AttributeError(f"module 'fx_ef' has no attribute {name!r}")
    # A run of the platform has entered before its script's first line: EF_ENV cannot take it elsewhere.
    if _context is None:
        # In a container nothing of ours starts the program: it enters when it first asks.
        if "FX_CHANNEL" in os.environ and "FX_NONCE" in os.environ:
            from fx_ef._channel import Channel

            _enter(Context(Channel().open(os.environ.pop("FX_CHANNEL"), os.environ.pop("FX_NONCE"))))
            return _context
        if os.environ.get("EF_ENV") != "local":
            raise RuntimeError(
                "there is no run: fx_ef.context exists in scripts that the platform has started; "
                "set EF_ENV=local to run a script without a platform"
            )
        from fx_ef._local import LocalChannel

        _enter(Context(LocalChannel()))
    return _context
