"use strict";
const { Settings } = require("./settings.cjs");

const unheld = new Set(["_events", "_eventsCount", "_maxListeners", "argv", "env", "mainModule"]);

/**
 * What of a process belongs to one run: arguments, environment, directory, settings, listeners of `process`, and the properties of
 * `globalThis`, `process`, `console`, `Error` and the two streams. What objects of the language are given besides stays, as modules do.
 */
class Surroundings {
  #environment = process.env;
  #variables = { ...process.env };
  #umask = process.umask();
  #listeners = new Map();
  #held = [];
  #settings = new Settings();

  /** Before a run: `file` is the script's absolute path, `env` what the run has beside the process's own variables. */
  enter(file, { welcome, env }) {
    process.argv = [process.execPath, file, welcome.argument];
    // Bun keeps a number when it is given none.
    process.exitCode = 0;
    process.exitCode = undefined;
    if (process.env !== this.#environment) process.env = this.#environment;
    const variables = { ...this.#variables, ...env };
    for (const name of Object.keys(process.env)) if (!(name in variables)) delete process.env[name];
    for (const name in variables) if (process.env[name] !== variables[name]) process.env[name] = variables[name];
    if (currentDirectory() !== welcome.directory) process.chdir(welcome.directory);
    process.umask(this.#umask);
  }

  /** What is there now is the process's and stays. */
  remember() {
    this.#listeners = new Map(process.eventNames().map((name) => [name, process.rawListeners(name)]));
    const targets = [globalThis, process, console, Error, process.stdout, process.stderr];
    this.#held = targets.map((target) => ({ target, ...propertiesOf(target) }));
    this.#settings.remember();
  }

  /** What the run listens to on `process`, of one event. */
  listeners(event) {
    const kept = this.#listeners.get(event) ?? [];
    return process.rawListeners(event).filter((listener) => !kept.includes(listener));
  }

  /** After a run. Answers what cannot be brought back, in words. */
  restore() {
    const left = this.#settings.restore();
    this.restoreListeners();
    for (const { target, names, values } of this.#held) {
      if (!Object.isExtensible(target)) left.push("an object of the language that takes nothing new");
      for (const name of Reflect.ownKeys(target)) {
        if (names.has(name) || unheld.has(name)) continue;
        if (!Reflect.deleteProperty(target, name)) left.push(`the property ${String(name)}`);
      }
      for (const [name, value] of values) {
        if (target[name] === value) continue;
        const property = { value, writable: true, configurable: true };
        if (!Reflect.defineProperty(target, name, property)) left.push(`the property ${String(name)}`);
      }
    }
    return left;
  }

  restoreListeners() {
    for (const event of process.eventNames()) {
      for (const listener of this.listeners(event)) process.off(event, listener);
    }
    for (const [event, kept] of this.#listeners) {
      const left = process.rawListeners(event);
      for (const listener of kept) if (!left.includes(listener)) process.on(event, listener);
    }
  }
}

/** All names, and the values of those that can be set again. */
function propertiesOf(target) {
  const names = new Set(Reflect.ownKeys(target));
  const values = [];
  for (const name of names) {
    if (unheld.has(name)) continue;
    const { value, configurable, writable } = Object.getOwnPropertyDescriptor(target, name);
    if (configurable && writable) values.push([name, value]);
  }
  return { names, values };
}

/** Undefined where it was removed. */
function currentDirectory() {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

module.exports = { Surroundings };
