"use strict";
// Node's end of the channel.
const { closeSync, readSync } = require("node:fs");
const { connect } = require("node:net");
const { Channel, FxError } = require("./channel.cjs");
const { waitAMoment } = require("./wait-a-moment.cjs");
const { writeAll } = require("./write-all.cjs");

/** Returns when the platform's first word is there, without a turn of the event loop: the script's module comes next. */
function dial(path, nonce, Kind = Channel) {
  // Connecting to a local socket is done when the call returns; only the event for it comes later.
  const socket = connect({ path });
  socket.on("error", () => {});
  const descriptor = socket._handle.fd;
  const wire = {
    write: (bytes) => writeAll(descriptor, bytes),
    ref: () => socket.ref(),
    unref: () => socket.unref(),
  };
  const channel = new Kind(wire, nonce);
  readFirst(channel, descriptor);
  socket.on("data", (chunk) => channel.read(chunk));
  socket.on("close", () => channel.closed());
  socket.unref();
  return channel;
}

/** Says that all is ready, and waits on a connection that blocks until there is a run for this process; returns the nonce to dial with. */
function awaitRun(descriptor) {
  const wire = { write: (bytes) => writeAll(descriptor, bytes) };
  const line = new Channel(wire, undefined, { ready: true });
  readFirst(line, descriptor);
  closeSync(descriptor);
  return line.welcome.nonce;
}

function readFirst(channel, descriptor) {
  const bytes = Buffer.allocUnsafe(64 * 1024);
  while (channel.welcome === undefined) channel.read(Buffer.from(bytes.subarray(0, readSome(descriptor, bytes))));
}

function readSome(descriptor, bytes) {
  for (;;) {
    try {
      const count = readSync(descriptor, bytes, 0, bytes.length, null);
      if (count > 0) return count;
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      waitAMoment();
      continue;
    }
    throw new FxError("unavailable", "the platform has closed the run's channel");
  }
}

module.exports = { awaitRun, dial };
