"use strict";
// Node loads this before a script: it dials the run's channel and makes the SDK importable with nothing installed.
const { registerHooks } = require("node:module");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");

registerHooks({
  resolve(specifier, resolving, next) {
    if (specifier !== "@streamzero/fx") return next(specifier, resolving);
    const file = resolving.conditions.includes("require") ? "index.cjs" : "index.mjs";
    return { url: pathToFileURL(join(__dirname, file)).href, shortCircuit: true };
  },
});

// Node loads this file in worker threads as well; the run belongs to the main one. The host of warm runs dials by itself.
const isWarm = process.argv[1] === join(__dirname, "warm", "host-node.cjs");
if (process.env.FX_CHANNEL !== undefined && !isWarm) enter();

function enter() {
  const { handOver, takeAddress, takePreload } = require("./channel.cjs");
  const { awaitRun, dial } = require("./dial.cjs");
  const { holdOrderLine, installOutput } = require("./output.cjs");
  holdOrderLine();
  installOutput();
  // Before anybody's first line: no program and no thread that a package starts is to find it.
  const [path, nonce] = takeAddress();
  const line = process.env.FX_WAIT;
  delete process.env.FX_WAIT;
  const preload = takePreload();
  if (preload.length > 0) require("./preload.cjs").preload(preload);
  if (line !== undefined) require("./rehearsal.mts");
  const channel = dial(path, line === undefined ? nonce : awaitRun(Number(line)));
  process.on("uncaughtExceptionMonitor", (error) => channel.tellOfLimit(error));
  handOver(channel);
}
