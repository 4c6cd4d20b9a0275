// Bun loads this before a script: it dials the run's channel and makes the SDK importable with nothing installed. Each
// file that is loaded here delays every run by half a millisecond, so they are few.
import { Channel, FxError, handOver, takeAddress, takePreload, tellOfPreload } from "./channel.cjs";
import { installOutput, keepOrder } from "./output.cjs";

let channel;

Bun.plugin({
  name: "@streamzero/fx",
  setup: (build) => build.module("@streamzero/fx", () => ({ exports: require("./index.cjs"), loader: "object" })),
});

// The host of warm runs dials by itself.
if (!process.argv[1]?.endsWith("/warm/host-bun.mjs")) await enter();

async function enter() {
  // Bun makes its own streams, for eight milliseconds, when these are described anew; not when they were set before.
  process.stdout = undefined;
  process.stderr = undefined;
  installOutput();
  orderConsole();
  // Before anybody's first line: no program and no thread that a package starts is to find it.
  const address = takeAddress();
  for (const name of takePreload()) await preload(name, process.argv[1]);
  channel = await dial(...address);
  process.on("uncaughtExceptionMonitor", (error) => channel.tellOfLimit(error));
  process.on("unhandledRejection", printInOrder);
  handOver(channel);
}

/** The file that the script's own import, or require, will find. */
async function preload(name, script) {
  const directory = script.slice(0, script.lastIndexOf("/"));
  try {
    if (/\.c[jt]s$/.test(script)) require(require.resolve(name, { paths: [directory] }));
    else await import(Bun.resolveSync(name, directory));
  } catch (error) {
    tellOfPreload(name, error);
  }
}

/** Resolves when the platform's first word is there. */
export async function dial(path, nonce, Kind = Channel) {
  const { promise, resolve, reject } = Promise.withResolvers();
  let channel;
  const socket = await Bun.connect({
    unix: path,
    socket: {
      data(_socket, chunk) {
        channel.read(chunk);
        if (channel.welcome !== undefined) resolve();
      },
      close() {
        channel?.closed();
        reject(new FxError("unavailable", "the platform has closed the run's channel"));
      },
      error() {},
      drain() {},
    },
  });
  const wire = { write: (bytes) => writeAll(socket, bytes), ref: () => socket.ref(), unref: () => socket.unref() };
  channel = new Kind(wire, nonce);
  await promise;
  socket.unref();
  return channel;
}

/** Bun's socket takes what the system takes, at once, and keeps nothing of the rest. */
function writeAll(socket, bytes) {
  for (let written = 0; written < bytes.length; ) {
    const count = socket.write(bytes.subarray(written));
    if (count < 0) throw Object.assign(new Error("the socket is closed"), { code: "EPIPE" });
    if (count === 0) require("./wait-a-moment.cjs").waitAMoment();
    written += count;
  }
}

/** Bun's console writes by itself, at once and whole, but past `process.stdout`. */
function orderConsole() {
  const toStdout = "log info debug trace table dir dirxml group groupCollapsed count".split(" ");
  const toStderr = "error warn assert timeEnd timeLog".split(" ");
  for (const name of [...toStdout, ...toStderr]) {
    const print = console[name];
    const descriptor = toStdout.includes(name) ? 1 : 2;
    console[name] = (...values) => {
      keepOrder(descriptor);
      print.apply(console, values);
    };
  }
}

/** As if nobody listened: the error comes again when nobody does, and Bun prints it and ends the script. */
function printInOrder(error) {
  if (process.listenerCount("unhandledRejection") > 1) return;
  keepOrder(2);
  channel.tellOfLimit(error);
  process.off("unhandledRejection", printInOrder);
  Promise.reject(error);
}
