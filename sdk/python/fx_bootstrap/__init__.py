"""Starts a script: dials the run's channel, then makes the process look as if Python had been given the script."""
import builtins
import errno
import io
import json
import marshal
import os
import sys

import fx_ef
from fx_bootstrap import output
from fx_ef._channel import Channel
from fx_ef._context import Context

# For the start alone.
SETTINGS = ("FX_CHANNEL", "FX_FIRST", "FX_NONCE", "FX_PREFIX", "FX_PRELOAD", "FX_WARM")
MAGIC_NUMBER = sys.modules["_frozen_importlib_external"].MAGIC_NUMBER
# Errors that have led to one another, as far as they are looked at.
MAX_CAUSES = 20
UNCHECKED = (0b01).to_bytes(4, "little")
# The context of a process that is still to be forked.
_made = None


def prepare():
    """Makes what does not depend on the run, ahead of a fork."""
    global _made
    output.prepare()
    _made = Context(Channel())


def take_settings(variables):
    """Out of the environment to be, or the one that is, before anybody's first line, so that no program which is started finds them there. A
    process forked from this one has the nonce in its memory, where it may still be good: for the script's own context, and nothing more.
    """
    settings = {}
    for name in SETTINGS:
        settings[name] = variables.pop(name, None)
    return settings


def main(settings=None, welcome=None, line=None):
    """`settings`: those that were taken before. `welcome`: what the run's channel would say first, where that came with the order to start.
    `line`: what `os.fstat` says of the descriptor for the order of stdout and stderr, where that was asked before.
    """
    settings = settings or take_settings(os.environ)
    if settings["FX_FIRST"] is not None:
        from fx_bootstrap import first

        first.stand_aside()
    output.begin(line)
    if settings["FX_PREFIX"] is not None:
        enter_environment(settings["FX_PREFIX"])
    address = settings["FX_CHANNEL"], settings["FX_NONCE"]
    if settings["FX_WARM"] is not None:
        from fx_bootstrap import warm

        return warm.serve(*address)
    # Where this process was started before its run was known, these are there by the time that it is told.
    ahead = settings["FX_PRELOAD"]
    module = None if ahead is None else import_ahead(**json.loads(ahead))
    entered = _made or Context(Channel())
    given = entered._channel.open(*address, welcome).welcome
    fx_ef._enter(entered)
    context, directory = given["context"], given["directory"]
    path = os.path.join(directory, context["execution"]["script"])
    # A process that was started before its run was known was not told at its start.
    if welcome is None and "FX_EXECUTION_ID" not in os.environ:
        os.environ["FX_EXECUTION_ID"] = context["execution"]["id"]
    sys.argv = [path, given["argument"]]
    if ahead is None:
        sys.path[:] = search_path(path, directory)
    run(path, module=module)


def import_ahead(script, modules):
    """What the manifest names, as the script would find it. What cannot be imported is told on stderr, and left to the script. Returns `__main__`."""
    directory = os.getcwd()
    path = os.path.join(directory, script)
    sys.argv = [path]
    sys.path[:] = search_path(path, directory)
    module = sys.modules["__main__"] = type(sys)("__main__")
    for name in modules:
        try:
            __import__(name)
        except Exception as error:
            print(f"preload (manifest.json): {name}: {type(error).__name__}: {error}", file=sys.stderr)
    return module


def search_path(path, directory):
    """The script's own directory ahead of the standard library, as Python itself puts it; ours is loaded by now, and comes last."""
    own = [directory]
    folder = os.path.dirname(path)
    if folder != directory:
        own.insert(0, folder)
    return own + [entry for entry in sys.path[1:] if entry] + sys.path[:1]


def tell_of_limit(error):
    """An error that only a limit of the run makes, or that one has led to: whoever reads of the failure is told which."""
    try:
        for _ in range(MAX_CAUSES):
            limit = limit_of(error)
            error = error.__cause__ or error.__context__
            if limit is not None:
                return fx_ef._context._channel.tell("overrun", limit=limit)
            if error is None:
                return
    except BaseException:
        pass  # The error itself is told in any case.


def limit_of(error):
    if isinstance(error, MemoryError):
        return "memoryBytes"
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        return "openFiles"
    if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
        return "processes"
    # What does not block is refused with the same error.
    if isinstance(error, BlockingIOError) and (innermost(error).co_name in ("_execute_child", "_launch") or is_crowded()):
        return "processes"
    return None


def innermost(error):
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code


def is_crowded():
    """Whether the kernel lets the run have no process more. Asked of the kernel, which alone counts them in every place."""
    try:
        pid = os.fork()
    except BlockingIOError:
        return True
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return False


def enter_environment(prefix):
    """Makes a process that was forked from the base interpreter what the virtual environment's own would be."""
    if sys.prefix == prefix:
        return
    import site

    library = os.path.dirname(os.__file__)
    # The packages of the base are not the environment's. First is ours.
    kept = (sys.path[0], library, os.path.join(library, "lib-dynload"))
    sys.path[:] = [entry for entry in sys.path if entry in kept or entry.endswith(".zip")]
    sys.prefix = sys.exec_prefix = prefix
    sys.executable = os.path.join(prefix, "bin", "python")
    site.PREFIXES[:] = [prefix]
    site.addsitedir(os.path.join(prefix, "lib", "python%d.%d" % sys.version_info[:2], "site-packages"))


def run(path, code=None, module=None):
    """Runs the script as `__main__`. Ends by SystemExit wherever it does not end well. `code`: it, compiled. `module`: what is `__main__` already."""
    module = module or type(sys)("__main__")
    module.__dict__.update(__file__=path, __builtins__=builtins, __cached__=None)
    sys.modules["__main__"] = module
    try:
        exec(code or compiled(path), module.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        tell_of_limit(error)
        # The script's own frames only.
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)


def compiled(path):
    code = compiled_ahead(path)
    if code is not None:
        return code
    with io.FileIO(path) as file:
        source = file.readall()
    return compile(source, path, "exec", dont_inherit=True)


def compiled_ahead(path):
    """What the executor has compiled (PEP 552: to be believed without a look at the source); None: nothing of use."""
    directory, _, name = path.rpartition(os.sep)
    ahead = f"{directory}/__pycache__/{name[:-3]}.{sys.implementation.cache_tag}.pyc"
    # Most have none, and an error is dear.
    if not os.access(ahead, os.R_OK):
        return None
    try:
        with io.FileIO(ahead) as file:
            content = file.readall()
        if content[:8] == MAGIC_NUMBER + UNCHECKED:
            return marshal.loads(memoryview(content)[16:])
    except (OSError, EOFError, ValueError, TypeError):
        pass
    return None


def exit_code(code):
    """As Python itself takes the argument of sys.exit."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def forget(module):
    """Objects of a module end as they would with the interpreter: an open file writes what it holds."""
    names = module.__dict__
    for private in (True, False):
        for name in list(names):
            if name != "__builtins__" and (name.startswith("_") or not private):
                names[name] = None
