"use strict";
const { syncBuiltinESMExports } = require("node:module");
const promises = require("node:timers/promises");

const timedOut = process.versions.bun ? "The operation timed out." : "The operation was aborted due to timeout";

/**
 * Timers that a run lets go, so that it does not wait for them: by `unref`, by `ref: false` of `node:timers/promises`, and by
 * `AbortSignal.timeout`. Only those of the service's own code: a package's may be what its connections live by.
 */
class RunTimers {
  #directory;
  /** Each with what ends it. */
  #timers = new Map();
  #waits = new Set();

  constructor(directory) {
    this.#directory = directory;
    this.#noteUnref(
      setTimeout(() => {}),
      clearTimeout,
    );
    this.#noteUnref(
      setImmediate(() => {}),
      clearImmediate,
    );
    this.#ownTimeouts();
    this.#ownWaits();
  }

  /** None of them fires any more, and nobody hears of one that was awaited. */
  end() {
    for (const [timer, clear] of this.#timers) clear(timer);
    this.#timers.clear();
    for (const wait of this.#waits) wait.abort();
    this.#waits.clear();
  }

  #noteUnref(timer, clear) {
    clear(timer);
    const prototype = Object.getPrototypeOf(timer);
    const { unref } = prototype;
    const timers = this;
    prototype.unref = function noted() {
      if (timers.#isOfService(noted)) timers.#timers.set(this, clear);
      return unref.call(this);
    };
  }

  /** Signals of our own: the interpreter's cannot be kept from aborting. */
  #ownTimeouts() {
    const { timeout } = AbortSignal;
    const timers = this;
    AbortSignal.timeout = function own(ms, ...rest) {
      // It also refuses what is no time.
      const found = timeout.call(AbortSignal, ms, ...rest);
      if (!timers.#isOfService(own)) return found;
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(new DOMException(timedOut, "TimeoutError")), ms);
      timers.#timers.set(timer, clearTimeout);
      timer.unref();
      return controller.signal;
    };
  }

  #ownWaits() {
    const { setTimeout, setInterval, setImmediate, scheduler } = promises;
    const wait = scheduler.wait.bind(scheduler);
    const once = (waiting, end) => unlessEnded(waiting, end).finally(() => this.#waits.delete(end));
    promises.setTimeout = this.#ending(setTimeout, 2, once);
    promises.setImmediate = this.#ending(setImmediate, 1, once);
    scheduler.wait = this.#ending(wait, 1, once);
    promises.setInterval = this.#ending(setInterval, 2, (ticks, end) => {
      const next = ticks.next.bind(ticks);
      ticks.next = () => unlessEnded(next(), end);
      return ticks;
    });
    syncBuiltinESMExports();
  }

  /** `original`, whose options are its argument number `at`. What it gives when it was let go, `hold` turns into what ends with the run. */
  #ending(original, at, hold) {
    const timers = this;
    return function own(...given) {
      const options = given[at];
      if (options?.ref !== false || !timers.#isOfService(own)) return original(...given);
      const end = new AbortController();
      timers.#waits.add(end);
      const signal = options.signal ? AbortSignal.any([options.signal, end.signal]) : end.signal;
      return hold(original(...given.slice(0, at), { ...options, signal }), end);
    };
  }

  #isOfService(called) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 1;
    const place = {};
    Error.captureStackTrace(place, called);
    Error.stackTraceLimit = stackTraceLimit;
    const caller = String(place.stack);
    return caller.includes(this.#directory) && !caller.includes("/node_modules/");
  }
}

/** As the promise, but nobody hears of it once it was ended. */
function unlessEnded(promise, { signal }) {
  return new Promise((resolve, reject) => {
    promise.then(
      (value) => signal.aborted || resolve(value),
      (error) => signal.aborted || reject(error),
    );
  });
}

module.exports = { RunTimers };
