// @ts-check

/** Signals that a terminal or a supervisor sends to stop or to tell. */
const passed = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2", "SIGWINCH"]);

/**
 * Ctrl-C under npm arrives twice: the terminal sends it to the whole group, and npm repeats it. A person who presses
 * it again, to hurry the end, is slower than this.
 */
const echoMs = 200;

const parentCheckMs = 250;

/**
 * Passes signals on to a child that leads a process group of its own, each exactly once.
 *
 * @param {import("node:child_process").ChildProcess} child
 */
export function passSignals(child) {
  /** @type {Map<string, number>} */
  const lastAt = new Map();
  for (const signal of passed) {
    process.on(signal, () => {
      const now = performance.now();
      const isEcho = now - (lastAt.get(signal) ?? Number.NEGATIVE_INFINITY) < echoMs;
      lastAt.set(signal, now);
      if (!isEcho) child.kill(signal);
    });
  }
  process.on("SIGCONT", () => child.kill("SIGCONT"));
  process.on("SIGTSTP", () => {
    // A group without a terminal ignores SIGTSTP, so the child is stopped by the signal that it cannot ignore.
    child.kill("SIGSTOP");
    process.kill(process.pid, "SIGSTOP");
  });
  if (process.env.npm_lifecycle_script?.startsWith("exec ")) endWithNpm(() => lastAt.size > 0);
}

/**
 * npm waits for what it has started, so when it is gone it was killed, and whoever did that meant the program behind
 * it. Only for a script that begins with `exec`: there our parent is npm and no shell.
 *
 * @param {() => boolean} isStopping a child that was told to stop is left to do so in peace
 */
function endWithNpm(isStopping) {
  const npm = process.ppid;
  const check = setInterval(() => {
    if (process.ppid !== npm && !isStopping()) process.kill(process.pid, "SIGKILL");
  }, parentCheckMs);
  check.unref();
}
