import { assertNever } from "../../foundation/assert.ts";
import { encodeFrame } from "../frame.ts";
import type { Preloaded } from "../zygote/preload.ts";
import type { ForkRequest, LaunchEnd, LaunchRequest } from "./launcher.ts";

/**
 * What executor and launcher say to each other over one socket: frames of a kind (1 byte), a run (4
 * bytes, big-endian) and the rest. Both ends are started from the same source, so there is no version.
 * A zygote (src/executor/zygote/zygote.py) speaks the same words, and takes `fork` in place of `start`.
 */
export type ToLauncher =
  | { kind: "start"; run: number; request: StartOrder }
  /** The next of what it reads on its stdin, in parts of any size; an empty one is the end. */
  | { kind: "input"; run: number; bytes: Buffer }
  /** What the zygote itself must know comes first and in binary: the rest is read by the child alone (rule S2). */
  | { kind: "fork"; run: number; request: ForkRequest }
  | { kind: "keepAlive"; run: number; ttlMs: number }
  | { kind: "stop"; run: number; graceMs: number }
  /** So many bytes of output were handled; room for more. */
  | { kind: "taken"; run: number; bytes: number }
  /** Asks for `drained`, once all is read that was written before. */
  | { kind: "drain"; run: number };

/** A request without its input, which may be longer than a frame. */
export type StartOrder = Omit<LaunchRequest, "input"> & { hasInput: boolean };

export type FromLauncher =
  /** `preloaded`: of a zygote that was to import modules ahead. */
  | { kind: "ready"; run: 0; preloaded?: Preloaded }
  | { kind: "started"; run: number; pid: number }
  | { kind: "stdout" | "stderr"; run: number; bytes: Buffer }
  | { kind: "drained"; run: number }
  | { kind: "refused"; run: number; keptAlive: number }
  | { kind: "ended"; run: number; end: LaunchEnd };

/** A start carries an environment and arguments, never a context. Output comes in pieces of at most 64 KiB. */
export const maxLauncherFrameBytes = 4 * 1024 * 1024;

/** A time to live that never ends, as it travels; in milliseconds it would be seven weeks. */
export const forever = 0xffff_ffff;

const boxed = Buffer.of(1);
const unboxed = Buffer.of(0);

const kinds = [
  "start",
  "keepAlive",
  "stop",
  "taken",
  "ready",
  "started",
  "stdout",
  "stderr",
  "ended",
  "fork",
  "drain",
  "drained",
  "refused",
  "input",
] as const;

export function encodeLauncherMessage(message: ToLauncher | FromLauncher): Buffer {
  const head = Buffer.allocUnsafe(5);
  head.writeUInt8(kinds.indexOf(message.kind));
  head.writeUInt32BE(message.run, 1);
  return encodeFrame(head, body(message));
}

function body(message: ToLauncher | FromLauncher): Buffer {
  switch (message.kind) {
    case "stdout":
    case "stderr":
    case "input":
      return message.bytes;
    case "ready":
      return Buffer.from(message.preloaded ? JSON.stringify(message.preloaded) : "");
    case "drain":
    case "drained":
      return Buffer.alloc(0);
    case "start":
      return Buffer.from(JSON.stringify(message.request));
    case "fork":
      return forkBody(message.request);
    case "ended":
      return Buffer.from(JSON.stringify(message.end));
    case "keepAlive":
      return uint32(message.ttlMs);
    case "stop":
      return uint32(message.graceMs);
    case "taken":
      return uint32(message.bytes);
    case "started":
      return uint32(message.pid);
    case "refused":
      return uint32(message.keptAlive);
    default:
      return assertNever(message, "launcher message");
  }
}

export function decodeLauncherMessage(frame: Buffer): Exclude<ToLauncher, { kind: "fork" }> | FromLauncher {
  const kind = kinds[frame.readUInt8()];
  const run = frame.readUInt32BE(1);
  const rest = frame.subarray(5);
  switch (kind) {
    case "stdout":
    case "stderr":
    case "input":
      return { kind, run, bytes: rest };
    case "ready":
      return { kind, run: 0, ...(rest.length > 0 && { preloaded: JSON.parse(rest.toString()) }) };
    case "drain":
    case "drained":
      return { kind, run };
    case "start":
      return { kind, run, request: JSON.parse(rest.toString()) };
    case "ended":
      return { kind, run, end: JSON.parse(rest.toString()) };
    case "keepAlive":
      return { kind, run, ttlMs: rest.readUInt32BE() };
    case "stop":
      return { kind, run, graceMs: rest.readUInt32BE() };
    case "taken":
      return { kind, run, bytes: rest.readUInt32BE() };
    case "started":
      return { kind, run, pid: rest.readUInt32BE() };
    case "refused":
      return { kind, run, keptAlive: rest.readUInt32BE() };
    default:
      throw new RangeError(`no launcher message has the kind ${frame.readUInt8()}`);
  }
}

/** Zero is no limit. In the order of FORK_HEAD (src/executor/zygote/zygote_words.py). */
function forkBody({ ttlMs, outputCapBytes, user, welcome, ...rest }: ForkRequest): Buffer {
  const { memoryBytes = 0, processes = 0, outputBytes = 0, cpuSeconds = 0 } = rest.limits;
  const head = Buffer.allocUnsafe(32);
  head.writeInt32BE(user?.uid ?? -1);
  head.writeInt32BE(user?.gid ?? -1, 4);
  head.writeBigUInt64BE(BigInt(memoryBytes), 8);
  head.writeUInt32BE(processes, 16);
  head.writeBigUInt64BE(BigInt(outputBytes), 20);
  head.writeUInt32BE(cpuSeconds, 28);
  // One after the other: the child reads the second once it is where the script will be.
  const words = Buffer.from(`${JSON.stringify(rest)}${welcome ?? ""}`);
  return Buffer.concat([rest.sandbox ? boxed : unboxed, uint32(ttlMs), uint32(outputCapBytes), head, words]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(Math.min(Math.max(0, Math.ceil(value)), forever));
  return bytes;
}
