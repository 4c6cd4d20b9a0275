"use strict";
// The bootstrap leaves the run's channel here before the script's first line.
const { createContext, createSdk } = require("./context.cjs");

const channelOfRun = () => globalThis[Symbol.for("@streamzero/fx channel")];
const context = channelOfRun() ? createContext(channelOfRun()) : outsideOfRuns();

/** Importing reads nothing: the context is made when something of it is used. In a run of the platform only a package that was preloaded comes here. */
function outsideOfRuns() {
  let local;
  const found = () => {
    if (channelOfRun()) {
      local ??= createContext(channelOfRun());
      return local;
    }
    if (process.env.EF_ENV !== "local") {
      throw new Error(
        "there is no run: the context of @streamzero/fx exists in scripts that the platform has started; set EF_ENV=local to run a script without a platform",
      );
    }
    const { LocalChannel } = require("./local.cjs");
    local ??= createContext(new LocalChannel());
    return local;
  };
  return new Proxy(
    {},
    {
      get: (_target, name) => found()[name],
      has: (_target, name) => name in found(),
      ownKeys: () => Reflect.ownKeys(found()),
      getOwnPropertyDescriptor: (_target, name) => describe(found(), name),
    },
  );
}

/** A proxy may not call fixed what its own target does not have. */
function describe(object, name) {
  const descriptor = Object.getOwnPropertyDescriptor(object, name);
  return descriptor && { ...descriptor, configurable: true };
}

module.exports = createSdk(context);
