"use strict";
// The bootstrap leaves the run's channel here before the script's first line.
const { FxError } = require("./channel.cjs");
const { createContext } = require("./context.cjs");

const channel = globalThis[Symbol.for("@streamzero/fx channel")];
const context = channel ? createContext(channel) : noRun();

function noRun() {
  const refuse = () => {
    throw new Error("there is no run: the context of @streamzero/fx exists in scripts that the platform has started");
  };
  return new Proxy({}, { get: refuse, has: refuse, ownKeys: refuse });
}

module.exports = { context, FxError, getParam: (name, fallback) => context.params.get(name, fallback) };
