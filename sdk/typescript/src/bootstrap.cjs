"use strict";
// Loaded before a script: dials the run's channel and makes the SDK importable with nothing installed.
const { registerHooks } = require("node:module");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { Channel } = require("./channel.cjs");

// Node loads this file in worker threads as well; the run belongs to the main one.
if (process.env.FX_NONCE !== undefined) enter();

function enter() {
  require("./output.cjs").install();
  // Used up before the script's first line; its own children never see it.
  const { FX_CHANNEL, FX_NONCE } = process.env;
  delete process.env.FX_CHANNEL;
  delete process.env.FX_NONCE;
  const channel = new Channel(FX_CHANNEL, FX_NONCE);
  require("./overrun.cjs").tellOfLimits(channel);
  globalThis[Symbol.for("@streamzero/fx channel")] = channel;

  const { context } = channel.welcome;
  const { name } = context.service;
  process.argv.push(JSON.stringify({ ...context.params, service_name: name, package_name: name }));
  // What was loaded from here is not the script's business, nor that of the processes it starts.
  process.execArgv.length = 0;
}

registerHooks({
  resolve(specifier, resolving, next) {
    if (specifier !== "@streamzero/fx") return next(specifier, resolving);
    const file = resolving.conditions.includes("require") ? "index.cjs" : "index.mjs";
    return { url: pathToFileURL(join(__dirname, file)).href, shortCircuit: true };
  },
});
