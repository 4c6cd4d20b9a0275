"use strict";
// The context as modules see it that outlive a run: whatever they ask of it, they ask of the run that is going on.

/** `current()` gives the context of the run that is going on. Parts of it may be kept: they are of each later run as well. */
function createSharedContext(current) {
  const part = (name) => passOn(() => current()[name]);
  const parts = ["params", "config", "events", "state", "secrets", "scheduler", "logging"];
  const held = Object.fromEntries(parts.map((name) => [name, part(name)]));
  return passOn(current, held);
}

/** An object that has what `found()` has, looked up at each use; of `held` what is there. */
function passOn(found, held = {}) {
  return new Proxy(
    {},
    {
      get: (_target, name) => (Object.hasOwn(held, name) ? held[name] : found()[name]),
      has: (_target, name) => name in found(),
      ownKeys: () => Reflect.ownKeys(found()),
      getOwnPropertyDescriptor: (_target, name) =>
        Object.hasOwn(found(), name)
          ? { value: held[name] ?? found()[name], enumerable: true, configurable: true }
          : undefined,
    },
  );
}

module.exports = { createSharedContext };
