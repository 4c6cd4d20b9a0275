"""The first process of a container. The kernel keeps from it every signal that it has no handler for, so that it cannot be the script."""
import os
import signal


def stand_aside():
    """Returns in a child, for the script. The first process passes on to it what it is asked, collects what was left to it, and ends as the
    script does, with 128 and the signal's number where a signal ended that.
    """
    # Blocked ones wait, also those that the kernel would have dropped.
    heard = signal.valid_signals()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    script = os.fork()
    if script == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    while True:
        number = signal.sigwait(heard)
        if number == signal.SIGCHLD:
            collect(script)
        else:
            os.kill(script, number)


def collect(script):
    """All that have ended: one signal may tell of many. Ends with the script."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        if pid == script:
            os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
