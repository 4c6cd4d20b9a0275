"""Imports `ctypes` alone, ahead of whoever needs it.

That of Python 3.14 imports `sysconfig`, which it needs on Cygwin only, and that imports `threading`, whose handler of forks
every child would pay for.
"""
import sys

is_spared = "sysconfig" not in sys.modules
if is_spared:
    sys.modules["sysconfig"] = type(sys)("sysconfig")
import ctypes  # noqa: E402, F401

if is_spared:
    del sys.modules["sysconfig"]
