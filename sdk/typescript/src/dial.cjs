"use strict";
// Node's end of the channel.
const { readSync } = require("node:fs");
const { connect, Socket } = require("node:net");
const { Channel, FxError } = require("./channel.cjs");
const { waitAMoment } = require("./wait-a-moment.cjs");
const { writeAll } = require("./write-all.cjs");

/**
 * Returns when the platform's first word is there, without a turn of the event loop: the script's module comes next. `address`: a
 * path, or the descriptor of a connection, which blocks until it is read from here no more.
 */
function dial(address, nonce, Kind = Channel) {
  // Connecting to a local socket is done when the call returns; only the event for it comes later.
  let socket = isDescriptor(address) ? undefined : listened(connect({ path: address }));
  const descriptor = socket?._handle.fd ?? Number(address);
  const wire = {
    write: (bytes) => writeAll(descriptor, bytes),
    ref: () => socket.ref(),
    unref: () => socket.unref(),
  };
  const channel = new Kind(wire, nonce);
  const bytes = Buffer.allocUnsafe(64 * 1024);
  while (channel.welcome === undefined) channel.read(Buffer.from(bytes.subarray(0, readSome(descriptor, bytes))));
  socket ??= listened(new Socket({ fd: descriptor }));
  socket.on("data", (chunk) => channel.read(chunk));
  socket.on("close", () => channel.closed());
  socket.unref();
  return channel;
}

function isDescriptor(address) {
  return /^\d+$/.test(address);
}

function listened(socket) {
  return socket.on("error", () => {});
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

module.exports = { dial };
