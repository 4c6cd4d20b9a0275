"use strict";
// The private channel of one run: frames of a length (4 bytes, big-endian) and JSON.
const { readSync } = require("node:fs");
const { connect } = require("node:net");
const { writeAll, waitAMoment } = require("./write-all.cjs");

const maxValueBytes = 4 * 1024 * 1024;

class FxError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "FxError";
    this.code = code;
  }
}

/**
 * Writes are synchronous, so that what was sent is on its way even if the script ends in the next
 * line; answers come through the event loop, which they keep running while one is awaited.
 */
class Channel {
  #socket;
  #descriptor;
  #pending = new Map();
  #nextId = 1;
  #received = [];
  #receivedBytes = 0;

  constructor(path, nonce) {
    // Connecting to a local socket is done when the call returns; only the event for it comes later.
    this.#socket = connect({ path });
    this.#socket.on("error", () => {});
    this.#descriptor = this.#socket._handle.fd;
    this.#write(Buffer.from(JSON.stringify({ nonce })));
    this.welcome = this.#readWelcome();
    this.#socket.on("data", (chunk) => this.#read(chunk));
    this.#socket.on("close", () => this.#closed());
    this.#socket.unref();
  }

  request(op, fields) {
    const id = this.#nextId++;
    this.#write(encode({ id, op, ...fields }));
    const { promise, resolve, reject } = Promise.withResolvers();
    this.#pending.set(id, { resolve, reject });
    this.#socket.ref();
    return promise;
  }

  tell(op, fields) {
    this.#write(encode({ op, ...fields }));
  }

  #write(body) {
    const frame = Buffer.allocUnsafe(4 + body.length);
    frame.writeUInt32BE(body.length);
    frame.set(body, 4);
    try {
      writeAll(this.#descriptor, frame);
    } catch (error) {
      throw new FxError("unavailable", `the platform has closed the run's channel (${error.code})`);
    }
  }

  #readWelcome() {
    const length = this.#readExactly(4).readUInt32BE();
    return JSON.parse(this.#readExactly(length).toString());
  }

  #readExactly(size) {
    const bytes = Buffer.allocUnsafe(size);
    for (let read = 0; read < size; ) {
      try {
        const count = readSync(this.#descriptor, bytes, read, size - read, null);
        if (count === 0) throw new FxError("unavailable", "the platform has closed the run's channel");
        read += count;
      } catch (error) {
        if (error.code !== "EAGAIN") throw error;
        waitAMoment();
      }
    }
    return bytes;
  }

  #read(chunk) {
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    for (;;) {
      if (this.#receivedBytes < 4) return;
      let held = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received);
      this.#received = [held];
      const length = held.readUInt32BE();
      if (held.length < 4 + length) return;
      const answer = JSON.parse(held.subarray(4, 4 + length).toString());
      held = held.subarray(4 + length);
      this.#received = held.length > 0 ? [held] : [];
      this.#receivedBytes = held.length;
      this.#settle(answer);
    }
  }

  #settle({ id, error, value }) {
    const asked = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#socket.unref();
    if (error) asked?.reject(new FxError(error.code, error.message));
    else asked?.resolve(value);
  }

  #closed() {
    const error = new FxError("unavailable", "the platform has closed the run's channel");
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

function encode(words) {
  const body = Buffer.from(JSON.stringify(words));
  if (body.length <= maxValueBytes) return body;
  throw new FxError(
    "limit-exceeded",
    `${body.length} bytes of JSON; one event, value or log line may have at most ${maxValueBytes}`,
  );
}

module.exports = { Channel, encode, FxError };
