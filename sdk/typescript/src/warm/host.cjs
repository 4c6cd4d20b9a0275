"use strict";
const { realpathSync } = require("node:fs");
const { join } = require("node:path");
const { limitOf } = require("../channel.cjs");
const { createSdk } = require("../context.cjs");
const { installStreams } = require("../output.cjs");
const { writeAll } = require("../write-all.cjs");
const { outputWords } = require("./frames.cjs");
const { lowestFree } = require("./lowest-free.cjs");
const { Pipes } = require("./pipes.cjs");
const { Remains } = require("./remains.cjs");
const { exitSignal, isSilent, WarmRun } = require("./run.cjs");
const { createSharedContext } = require("./shared-context.cjs");
const { Surroundings } = require("./surroundings.cjs");

/** How long what a script left by process.exit may take to end by itself, e.g. a socket that closes. */
const lingerMs = 10;
/** The exit code of a process that cannot say how its run has ended (src/executor/warm/warm-message.ts). */
const unheard = 113;

/**
 * Runs one script again and again. A run is over as a process is: when its script has returned and nothing that was started
 * keeps the event loop going, or by process.exit, or by an error that nobody caught. For the first of them the channel does
 * not keep the loop going while a run is on, so that `beforeExit` tells the moment.
 *
 * `language`: `load()` resolves when the script's modules are there; `start(sdk)` runs the script's own lines and resolves when
 * they have run; `onError(heard)` calls `heard` for each error that nobody caught; `describe(error)` is what is printed of one;
 * `active()` names what goes on; `rest()` is called between runs. `rejectsLate`: `beforeExit` may come before the word of a rejection
 * that nobody has handled. `startsAfterReturn`: a script that still waits in its own lines cannot be started again. `isRepeatable`: of
 * a script that was loaded, whether it can be started again.
 */
class WarmHost {
  #channel;
  #language;
  #file;
  #surroundings = new Surroundings();
  #remains;
  #pipes = new Pipes();
  #run;
  #isLoaded = false;
  /** Why this process can serve no further run. */
  #spoilt = [];
  #linger;
  #endProcess = process.reallyExit.bind(process);

  /** `createLanguage` is given the script's path, without links, as the interpreters name it. */
  constructor(channel, createLanguage) {
    const { directory, script } = channel.welcome.host;
    this.#channel = channel;
    this.#file = realpathSync(join(directory, script));
    this.#language = createLanguage(this.#file);
    this.#remains = new Remains(realpathSync(directory));
  }

  serve() {
    process.execArgv.length = 0;
    process.exit = (code) => this.#exit(code);
    process.reallyExit = process.exit;
    process.on("beforeExit", () => this.#drained());
    this.#language.onError((error) => this.#uncaught(error));
    installStreams((descriptor, bytes) => this.#print(descriptor, bytes));
    Object.assign(require("../index.cjs"), createSdk(createSharedContext(() => this.#run.context)));
    this.#surroundings.remember();
    this.#channel.onRun = (words) => void this.#begin(words);
    this.#channel.say({ ready: true });
    this.#channel.hold(true);
  }

  async #begin(words) {
    const run = new WarmRun(this.#channel, words);
    this.#run = run;
    this.#surroundings.enter(this.#file, words);
    this.#channel.hold(false);
    try {
      if (!this.#isLoaded) await this.#load();
      await this.#language.start(createSdk(run.context));
    } catch (error) {
      if (this.#run === run) this.#thrown(error);
    }
    run.hasReturned = true;
  }

  async #load() {
    this.#isLoaded = true;
    try {
      await this.#language.load();
    } catch (error) {
      // A module that failed is not loaded again in this process.
      this.#spoilt.push("a module that could not be loaded");
      throw error;
    } finally {
      this.#channel.hold();
      this.#surroundings.remember();
    }
  }

  #print(descriptor, bytes) {
    if (this.#run === undefined) return writeAll(descriptor, bytes);
    if (this.#run.isOver) return;
    for (const words of outputWords(this.#run.number, descriptor, bytes)) this.#channel.say(words);
  }

  /** The loop is empty: nothing more will happen by itself. */
  #drained() {
    const run = this.#run;
    if (run === undefined) return;
    if (run.isOver) return this.#end([]);
    if (this.#surroundings.listeners("beforeExit").length > 0) {
      run.hasDrained = true;
      // They are told once, and what they start is waited for.
      process.nextTick(() => {
        for (const listener of this.#surroundings.listeners("beforeExit")) process.off("beforeExit", listener);
        setImmediate(() => {});
      });
      return;
    }
    if (this.#language.rejectsLate && !run.hasDrained) {
      run.hasDrained = true;
      setImmediate(() => {});
      return;
    }
    if (!run.hasReturned) {
      this.#print(2, Buffer.from(`Warning: Detected unsettled top-level await at ${this.#file}\n`));
      process.exitCode ||= 13;
    }
    this.#leave();
    this.#end([]);
  }

  #exit(code) {
    const run = this.#run;
    if (run === undefined) return this.#endProcess(code);
    if (!run.isOver && code !== undefined) process.exitCode = code;
    if (!run.isLeaving) this.#finish();
    throw exitSignal();
  }

  #thrown(error) {
    if (!isSilent(error)) process.emit("uncaughtExceptionMonitor", error, "uncaughtException");
    this.#uncaught(error);
  }

  #uncaught(error) {
    if (isSilent(error) || this.#run?.isOver) return;
    try {
      if (process.emit("uncaughtException", error, "uncaughtException")) return;
    } catch (another) {
      return this.#fail(another);
    }
    this.#fail(error);
  }

  #fail(error) {
    if (isSilent(error)) return;
    const run = this.#run;
    const text = Buffer.from(this.#language.describe(error));
    this.#print(2, text);
    if (run === undefined) return this.#endProcess(1);
    const limit = limitOf(error);
    if (limit !== undefined) run.tell("overrun", { limit });
    process.exitCode = 1;
    this.#finish();
  }

  /** The run is over though something of it may still be going on. */
  #finish() {
    this.#leave();
    this.#surroundings.restoreListeners();
    this.#channel.forget();
    // One pause alone may be over before the loop has looked whether anything is left.
    this.#after(lingerMs / 2, () => this.#after(lingerMs / 2, () => this.#end(this.#language.active())));
  }

  #after(ms, then) {
    this.#linger = setTimeout(then, ms);
    this.#linger.unref();
  }

  #leave() {
    this.#run.isLeaving = true;
    try {
      for (const listener of this.#surroundings.listeners("exit")) listener.call(process, process.exitCode ?? 0);
    } catch (error) {
      if (!isSilent(error)) {
        this.#print(2, Buffer.from(this.#language.describe(error)));
        process.exitCode = 1;
      }
    }
    this.#run.isOver = true;
  }

  #end(active) {
    const { number } = this.#run;
    clearTimeout(this.#linger);
    const code = Number(process.exitCode ?? 0) & 255;
    active.push(...this.#surroundings.restore());
    if (!this.#language.isRepeatable) active.push("a script that one process can run once only");
    if (this.#language.startsAfterReturn && !this.#run.hasReturned) active.push("a script that waits");
    if (process.stdout.writableEnded || process.stderr.writableEnded) active.push("an output that was ended");
    const openFiles = lowestFree();
    if (openFiles === undefined) active.push("all the open files that it may have");
    const leftovers = [...this.#spoilt, ...active, ...this.#remains.take()];
    this.#run = undefined;
    this.#channel.hold(true);
    // What went by the pipes is waited for, unless there is surely nothing.
    const piped = this.#pipes.wereWritten() === false ? { piped: false } : {};
    try {
      this.#channel.say({ run: number, ended: { code, leftovers, openFiles }, ...piped });
    } catch {
      return this.#endProcess(unheard);
    }
    this.#language.rest();
  }
}

module.exports = { WarmHost };
