"use strict";
const { createHook } = require("node:async_hooks");
const { Buffer } = require("node:buffer");
const { channel } = require("node:diagnostics_channel");
const dns = require("node:dns");
const events = require("node:events");
const module_ = require("node:module");
const net = require("node:net");
const os = require("node:os");
const stream = require("node:stream");
const { inspect } = require("node:util");
const v8 = require("node:v8");

const { setPriority } = os;

/** What can be looked at between two runs for nothing: the owner of a property, and its name. */
const properties = [
  [events, "defaultMaxListeners"],
  [events, "captureRejections"],
  [Buffer, "poolSize"],
];

/** What is looked at only where a run has set it: the owners of a function, its name, and what gives the value to set again. */
const setters = [
  [[dns, dns.promises], "setDefaultResultOrder", () => [dns.getDefaultResultOrder()]],
  [[dns], "setServers", () => [dns.getServers()]],
  [[dns.promises], "setServers", () => [dns.promises.getServers()]],
  [[net], "setDefaultAutoSelectFamily", () => [net.getDefaultAutoSelectFamily()]],
  [[net], "setDefaultAutoSelectFamilyAttemptTimeout", () => [net.getDefaultAutoSelectFamilyAttemptTimeout()]],
  [[stream], "setDefaultHighWaterMark", (isOfObjects) => [isOfObjects, stream.getDefaultHighWaterMark(isOfObjects)]],
  [[process], "setSourceMapsEnabled", () => [process.sourceMapsEnabled]],
];

/** What all subscriptions go through: a channel has other functions while somebody listens. */
const subscribed = prototypeOfSubscribed(channel("fx"));

/**
 * The owner of a function, its name, the words for what it has changed, and what undoes it, given what it gave; null: nothing does.
 * `this` is what the function is called on.
 */
const changes = [
  [module_, "registerHooks", "hooks of modules", () => (hooks) => hooks.deregister()],
  [module_, "register", "a loader of modules", () => null],
  [v8, "setFlagsFromString", "other flags of V8", () => null],
  [os, "setPriority", "another priority", () => setPriority.bind(os, os.getPriority())],
  [
    subscribed,
    "subscribe",
    "a subscription of diagnostics",
    function (given) {
      return () => this.unsubscribe(given);
    },
  ],
  [
    subscribed,
    "bindStore",
    "a store that diagnostics set",
    function (store) {
      return () => this.unbindStore(store);
    },
  ],
  [
    Object.getPrototypeOf(createHook({})),
    "enable",
    "hooks of asynchronous resources",
    function () {
      return () => this.disable();
    },
  ],
];

/** Settings that Node or Bun keep for the whole process. Those that modules make while they are loaded stay. */
class Settings {
  #properties;
  #inspect;
  /** What brings back what the run has set, and words for where that fails. */
  #undo = [];

  constructor() {
    for (const [owners, name, tell] of setters) {
      for (const owner of owners) {
        const set = owner[name];
        this.#watch(owner, name, `another setting by ${name}`, (...given) => {
          const former = tell(...given);
          return () => set.apply(owner, former);
        });
      }
    }
    for (const change of changes) this.#watch(...change);
    module_.syncBuiltinESMExports();
    this.remember();
  }

  /** What is set now stays. */
  remember() {
    this.#undo = [];
    this.#properties = properties.map(([owner, name]) => owner[name]);
    this.#inspect = { ...inspect.defaultOptions };
  }

  /** Answers what does not come back, in words. */
  restore() {
    for (const [index, [owner, name]] of properties.entries()) {
      if (owner[name] !== this.#properties[index]) owner[name] = this.#properties[index];
    }
    for (const name in this.#inspect) {
      if (inspect.defaultOptions[name] !== this.#inspect[name]) inspect.defaultOptions = this.#inspect;
    }
    const left = new Set();
    for (const { words, undo } of this.#undo.splice(0).reverse()) {
      try {
        undo();
      } catch {
        left.add(words);
      }
    }
    return [...left];
  }

  /** `undoOf` is asked before each call, with what that is given. */
  #watch(owner, name, words, undoOf) {
    const original = owner[name];
    if (typeof original !== "function") return;
    const settings = this;
    owner[name] = function watched(...given) {
      const undo = undoOf.apply(this, given);
      const result = original.apply(this, given);
      settings.#undo.push({ words, undo: () => undo(result) });
      return result;
    };
  }
}

function prototypeOfSubscribed(probe) {
  const listener = () => {};
  probe.subscribe(listener);
  const found = Object.getPrototypeOf(probe);
  probe.unsubscribe(listener);
  return found;
}

module.exports = { Settings };
