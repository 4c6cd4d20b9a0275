"use strict";
const { FxError } = require("../channel.cjs");
const { createContext } = require("../context.cjs");

/** Errors that only unwind what runs on after a run's end: nobody prints them. */
const silent = new WeakSet();

function silently(error) {
  silent.add(error);
  return error;
}

/** One run of a warm process. Speaks like `Channel`, until it is over: what kept it acts for no later run. */
class WarmRun {
  number;
  welcome;
  /** The last line of the script has run. What it started may still go on. */
  hasReturned = false;
  /** The event loop was empty once. */
  hasDrained = false;
  /** Its exit listeners are told. */
  isLeaving = false;
  isOver = false;
  #channel;
  #context;

  constructor(channel, { run, welcome }) {
    this.#channel = channel;
    this.number = run;
    this.welcome = welcome;
  }

  get context() {
    this.#context ??= createContext(this);
    return this.#context;
  }

  request(op, fields) {
    this.#refuseWhenOver();
    return this.#channel.request(op, { ...fields, run: this.number });
  }

  tell(op, fields) {
    this.#refuseWhenOver();
    this.#channel.tell(op, { ...fields, run: this.number });
  }

  #refuseWhenOver() {
    if (this.isOver)
      throw silently(new FxError("unavailable", "the run has ended; what it kept acts for no later run"));
  }
}

/** What process.exit throws, since it may not return. */
function exitSignal() {
  return silently(new Error("the script has ended by process.exit"));
}

const isSilent = (error) => typeof error === "object" && error !== null && silent.has(error);

module.exports = { exitSignal, isSilent, WarmRun };
