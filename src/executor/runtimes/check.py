"""Finds syntax errors in Python files without running them.

stdin: JSON [{"path": name to report, "file": where it lies}]; stdout: JSON [{"path": "name:line", "message"}].
"""
import json
import sys
import warnings

warnings.simplefilter("ignore")
problems = []
for script in json.load(sys.stdin):
    path = script["path"]
    try:
        with open(script["file"], "rb") as file:
            compile(file.read(), path, "exec", dont_inherit=True)
    except SyntaxError as error:
        problems.append({"path": f"{path}:{error.lineno or 1}", "message": f"{type(error).__name__}: {error.msg}"})
    except Exception as error:
        # A NUL byte is a ValueError, nesting without end a RecursionError or MemoryError.
        problems.append({"path": f"{path}:1", "message": f"cannot be compiled: {type(error).__name__}: {error}"})
json.dump(problems, sys.stdout)
