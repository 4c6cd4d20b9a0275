"use strict";
// stdout and stderr, written before a call returns, and in order between the two. What is not needed by every script is
// loaded when it is: under Bun node:fs alone takes two milliseconds, node:stream more.

const orderLine = 3;
let last = 1;
let line;

/** Two pipes lose the order between them: before the first write to the other one, waits until all before is read. */
function keepOrder(descriptor) {
  if (descriptor === last) return;
  last = descriptor;
  if (line === undefined) holdOrderLine();
  // A script may have closed the descriptor and opened its own in its place.
  if (line === "" || identity() !== line) return;
  const { readSync, writeSync } = require("node:fs");
  try {
    writeSync(orderLine, "\n");
    readSync(orderLine, Buffer.allocUnsafe(1), 0, 1, null);
  } catch {
    line = "";
  }
}

function writeInOrder(descriptor, bytes) {
  keepOrder(descriptor);
  require("./write-all.cjs").writeAll(descriptor, bytes);
}

/** Remembers which descriptor is the launcher's. */
function holdOrderLine() {
  line = identity();
}

function identity() {
  try {
    const status = require("node:fs").fstatSync(orderLine);
    return status.isSocket() ? `${status.dev}:${status.ino}` : "";
  } catch {
    return "";
  }
}

function installOutput() {
  // An error that nobody caught is printed past `process.stderr`.
  process.on("uncaughtExceptionMonitor", () => keepOrder(2));
  installStreams(writeInOrder);
}

/** process.stdout and process.stderr become what `write(descriptor, bytes)` has written when it returns. */
function installStreams(write) {
  for (const [name, descriptor] of [
    ["stdout", 1],
    ["stderr", 2],
  ]) {
    let output;
    Object.defineProperty(process, name, {
      configurable: true,
      enumerable: true,
      get() {
        output ??= require("./output-stream.cjs").createOutput(descriptor, write);
        return output;
      },
    });
  }
}

module.exports = { holdOrderLine, installOutput, installStreams, keepOrder };
