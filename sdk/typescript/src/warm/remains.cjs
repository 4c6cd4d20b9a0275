"use strict";
const { readFileSync } = require("node:fs");
const { Server } = require("node:net");
const { RunTimers } = require("./run-timers.cjs");

/**
 * What a run has started and let go (`unref`), so that it did not wait for it: it would end with a process. Sockets are no
 * remains: that connections live on is what a warm process is for.
 */
class Remains {
  #timers;
  #servers = new Set();
  #workers = new Set();
  #hasRead = false;

  /** `directory`: of the service, whose own timers are meant. */
  constructor(directory) {
    this.#timers = new RunTimers(directory);
    noteServers((server) => this.#servers.add(server));
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
    this.#timers.end();
    const servers = [...this.#servers].filter((server) => server.listening).map(() => "a server");
    const workers = [...this.#workers].map(() => "a worker thread");
    this.#servers.clear();
    const input = this.#hasRead ? ["an input that was read"] : [];
    return [...servers, ...workers, ...input, ...children()];
  }
}

/** Each that no longer keeps the event loop running. */
function noteServers(note) {
  const { unref } = Server.prototype;
  Server.prototype.unref = function () {
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
