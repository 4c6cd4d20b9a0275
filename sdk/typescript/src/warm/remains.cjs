"use strict";
const { readFileSync } = require("node:fs");
const { Server } = require("node:net");

/**
 * What a run has started and let go (`unref`), so that it did not wait for it: it would end with a process. Sockets are no
 * remains: that connections live on is what a warm process is for. Timers that a package keeps for its own are none either.
 */
class Remains {
  #directory;
  #timers = new Set();
  #servers = new Set();
  #workers = new Set();
  #hasRead = false;

  /** `directory`: of the service, whose own timers are meant. */
  constructor(directory) {
    this.#directory = directory;
    const timer = setTimeout(() => {});
    clearTimeout(timer);
    const noteTimer = (found) => {
      if (this.#isOfService(String(new Error().stack))) this.#timers.add(found);
    };
    whenLetGo(Object.getPrototypeOf(timer), noteTimer);
    whenLetGo(Server.prototype, (server) => this.#servers.add(server));
    watchInput(() => {
      this.#hasRead = true;
    });
    watchWorkers((worker, whenGone) => {
      this.#workers.add(worker);
      whenGone(() => this.#workers.delete(worker));
    });
  }

  /** Ends what can be ended here, tells the rest, and forgets all. */
  take() {
    for (const timer of this.#timers) clearTimeout(timer);
    const servers = [...this.#servers].filter((server) => server.listening).map(() => "a server");
    const workers = [...this.#workers].map(() => "a worker thread");
    for (const noted of [this.#timers, this.#servers]) noted.clear();
    const input = this.#hasRead ? ["an input that was read"] : [];
    return [...servers, ...workers, ...input, ...children()];
  }

  /** The third line is the caller of `unref`. */
  #isOfService(stack) {
    const caller = stack.split("\n")[3] ?? "";
    return caller.includes(this.#directory) && !caller.includes("/node_modules/");
  }
}

/** Calls `note` with each object of the class that no longer keeps the event loop running. */
function whenLetGo(prototype, note) {
  const { unref } = prototype;
  prototype.unref = function () {
    note(this);
    return unref.call(this);
  };
}

/** Of `process.stdin` there is one for all runs. */
function watchInput(note) {
  const { get, value } = Object.getOwnPropertyDescriptor(process, "stdin");
  Object.defineProperty(process, "stdin", {
    configurable: true,
    enumerable: true,
    get() {
      note();
      return get ? get.call(process) : value;
    },
  });
}

function watchWorkers(add) {
  if (process.versions.bun === undefined) {
    require("node:diagnostics_channel").subscribe("worker_threads", ({ worker }) => {
      add(worker, (forget) => worker.once("exit", forget));
    });
    return;
  }
  globalThis.Worker = class Worker extends globalThis.Worker {
    constructor(...given) {
      super(...given);
      add(this, (forget) => this.addEventListener("close", forget));
    }
  };
}

/** Elsewhere than on Linux children that were let go are seen at the process's own end only. */
function children() {
  try {
    const pids = readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").trim();
    return pids === "" ? [] : pids.split(" ").map((pid) => `process ${pid}`);
  } catch {
    return [];
  }
}

module.exports = { Remains };
