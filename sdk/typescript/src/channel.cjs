"use strict";
// The private channel of one run: frames of a length (4 bytes, big-endian) and JSON.

const maxValueBytes = 4 * 1024 * 1024;

class FxError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "FxError";
    this.code = code;
  }
}

/**
 * What is said and answered on a wire: `write(bytes)`, which has sent all when it returns, `ref()` and `unref()`. So what
 * was sent is on its way even if the script ends in the next line. Answers come through the event loop, which they keep
 * running while one is awaited.
 */
class Channel {
  /** The first thing that the platform says: what the script is given. Undefined until it was read. */
  welcome;
  #wire;
  #pending = new Map();
  #nextId = 1;
  #received = [];
  #receivedBytes = 0;
  /** So many make the next frame whole, or tell how long it is. */
  #wantedBytes = 4;

  constructor(wire, nonce, more) {
    this.#wire = wire;
    this.#write(encode({ nonce, ...more }));
  }

  request(op, fields) {
    const id = this.#nextId++;
    this.#write(encode({ id, op, ...fields }));
    const { promise, resolve, reject } = Promise.withResolvers();
    this.#pending.set(id, { resolve, reject });
    this.#wire.ref();
    return promise;
  }

  tell(op, fields) {
    this.say({ op, ...fields });
  }

  say(words) {
    this.#write(encode(words));
  }

  /** Whether the event loop goes on for the wire's sake alone: where nothing else is said, while an answer is awaited. */
  hold(held = this.#pending.size > 0) {
    if (held) this.#wire.ref();
    else this.#wire.unref();
  }

  /** For the error that ends the script. */
  tellOfLimit(error) {
    const limit = limitOf(error);
    if (limit === undefined) return;
    try {
      this.tell("overrun", { limit });
    } catch {
      // The error itself is told in any case.
    }
  }

  #write(body) {
    const frame = Buffer.allocUnsafe(4 + body.length);
    frame.writeUInt32BE(body.length);
    frame.set(body, 4);
    try {
      this.#wire.write(frame);
    } catch (error) {
      if (["EBADF", "ENOTSOCK"].includes(error.code)) {
        throw new FxError("unavailable", "the script has closed the descriptor of the run's channel");
      }
      throw new FxError("unavailable", `the platform has closed the run's channel (${error.code})`);
    }
  }

  /** Takes what came in on the wire. */
  read(chunk) {
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    while (this.#receivedBytes >= this.#wantedBytes) {
      const held = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received);
      const end = 4 + held.readUInt32BE();
      this.#received = [held];
      this.#wantedBytes = end;
      if (held.length < end) return;
      const answer = JSON.parse(held.subarray(4, end).toString());
      this.#received = [held.subarray(end)];
      this.#receivedBytes = held.length - end;
      this.#wantedBytes = 4;
      if (this.welcome === undefined) this.welcome = answer;
      else this.hear(answer);
    }
  }

  /** Every word of the platform's but the first. */
  hear({ id, error, value }) {
    const asked = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#wire.unref();
    if (error) asked?.reject(new FxError(error.code, error.message));
    else asked?.resolve(value);
  }

  /** What is still awaited is never answered. */
  forget() {
    this.#pending.clear();
    this.#wire.unref();
  }

  /** The wire has ended. */
  closed() {
    const error = new FxError("unavailable", "the platform has closed the run's channel");
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/**
 * The channel's address and nonce. Taken out of the environment, so that no program which the script starts finds them in its own. By its
 * first line the nonce is used up: what /proc goes on to show of this process's first environment opens nothing.
 */
function takeAddress() {
  const { FX_CHANNEL, FX_NONCE } = process.env;
  delete process.env.FX_CHANNEL;
  delete process.env.FX_NONCE;
  return [FX_CHANNEL, FX_NONCE];
}

/** The packages that the manifest has imported before the run is known. Taken out of the environment. */
function takePreload() {
  const { FX_PRELOAD } = process.env;
  delete process.env.FX_PRELOAD;
  return FX_PRELOAD === undefined ? [] : JSON.parse(FX_PRELOAD).modules;
}

/** It is left to the script, which will say so itself where it matters. */
function tellOfPreload(name, error) {
  process.stderr.write(`preload (manifest.json): ${name}: ${error?.message ?? error}\n`);
}

/** Gives the script its channel, and its parameters as the first argument. */
function handOver(channel) {
  globalThis[Symbol.for("@streamzero/fx channel")] = channel;
  // A process that was started ahead was not told at its start.
  process.env.FX_EXECUTION_ID ??= channel.welcome.context.execution.id;
  process.argv.push(channel.welcome.argument);
  // What was loaded from here is not the script's business, nor that of the processes it starts.
  process.execArgv.length = 0;
}

/** Errors that only a limit of the run makes: whoever reads of the failure is told which limit it was. */
function limitOf(error) {
  if (error?.code === "EMFILE") return "openFiles";
  if (error?.code === "EAGAIN" && String(error.syscall).startsWith("spawn")) return "processes";
  // The last is V8's own, which has no code.
  const isMemory = ["ERR_WORKER_OUT_OF_MEMORY", "ERR_MEMORY_ALLOCATION_FAILED"].includes(error?.code);
  if (isMemory || error?.message === "Array buffer allocation failed") return "memoryBytes";
  return undefined;
}

function encode(words) {
  const body = Buffer.from(JSON.stringify(words));
  if (body.length <= maxValueBytes) return body;
  throw new FxError(
    "limit-exceeded",
    `${body.length} bytes of JSON; one event, value or log line may have at most ${maxValueBytes}`,
  );
}

module.exports = {
  Channel,
  encode,
  FxError,
  handOver,
  limitOf,
  takeAddress,
  takePreload,
  tellOfPreload,
};
