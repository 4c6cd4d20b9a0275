"use strict";
// stdout and stderr, written before a call returns, and in order between the two.
const { fstatSync, readSync, writeSync } = require("node:fs");
const { writeAll } = require("./write-all.cjs");

const orderLine = 3;
let last = 1;
let line = identity();

/** Two pipes lose the order between them: before the first write to the other one, waits until all before is read. */
function keepOrder(descriptor) {
  if (descriptor === last) return;
  last = descriptor;
  // A script may have closed the descriptor and opened its own in its place.
  if (line === undefined || identity() !== line) return;
  try {
    writeSync(orderLine, "\n");
    readSync(orderLine, Buffer.allocUnsafe(1), 0, 1, null);
  } catch {
    line = undefined;
  }
}

function identity() {
  try {
    const { dev, ino } = fstatSync(orderLine);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

function createOutput(descriptor) {
  const { Writable } = require("node:stream");
  const output = new Writable({
    decodeStrings: true,
    write(chunk, _encoding, done) {
      try {
        keepOrder(descriptor);
        writeAll(descriptor, chunk);
        done();
      } catch (error) {
        done(error);
      }
    },
  });
  output.fd = descriptor;
  output._type = "pipe";
  // As Node's own: the two cannot be closed, and an error of one does not end it.
  output.destroySoon = output.destroy;
  output._destroy = (error, done) => done(error);
  return output;
}

function install() {
  // Node prints an error that nobody caught past `process.stderr`.
  process.on("uncaughtExceptionMonitor", () => keepOrder(2));
  for (const [name, descriptor] of [
    ["stdout", 1],
    ["stderr", 2],
  ]) {
    let output;
    Object.defineProperty(process, name, {
      configurable: true,
      enumerable: true,
      get() {
        output ??= createOutput(descriptor);
        return output;
      },
    });
  }
}

module.exports = { install };
