/**
 * The launcher: a process of its own that stays small, so that a spawn costs little and blocks nobody.
 * It talks to the executor on descriptor 3. When that ends, for whatever reason, it kills every group
 * that it started and goes (rule D8).
 */
import { Socket } from "node:net";
import { systemClock } from "../../foundation/clock.ts";
import { FrameReader } from "../frame.ts";
import { closeInherited } from "./close-inherited.ts";
import {
  decodeLauncherMessage,
  encodeLauncherMessage,
  type FromLauncher,
  maxLauncherFrameBytes,
  type ToLauncher,
} from "./launcher-message.ts";
import { ScriptProcess } from "./script-process.ts";

closeInherited();
const control = new Socket({ fd: 3, readable: true, writable: true });
const scripts = new Map<number, ScriptProcess>();
const frames = new FrameReader(maxLauncherFrameBytes);
// Unique among the launchers that may run on a machine at one time, so that no run's mark is another's.
const mark = `${process.pid}-${Math.round(systemClock.now())}`;

function send(message: FromLauncher): void {
  if (message.kind === "ended") scripts.delete(message.run);
  control.write(encodeLauncherMessage(message));
}

function receive(message: ToLauncher): void {
  if (message.kind === "start") {
    const script = new ScriptProcess(message.run, message.request, `${mark}-${message.run}`, systemClock, send);
    if (!script.over) scripts.set(message.run, script);
    return;
  }
  // An order for a run that has just ended is late, not wrong.
  const script = scripts.get(message.run);
  if (message.kind === "keepAlive") script?.keepAlive(message.ttlMs);
  else if (message.kind === "stop") script?.stop(message.graceMs);
  else if (message.kind === "taken") script?.taken(message.bytes);
  else if (message.kind === "drain") script?.drain();
  else if (message.kind === "input") script?.input(message.bytes);
}

control.on("data", (chunk: Buffer) => {
  for (const frame of frames.read(chunk)) receive(decodeLauncherMessage(frame) as ToLauncher);
});
control.on("error", () => process.exit(0));
control.on("close", () => process.exit(0));
control.on("end", () => process.exit(0));
// The executor drains on these signals and needs us until it is done.
process.on("SIGINT", () => {});
process.on("SIGHUP", () => {});
process.on("SIGTERM", () => process.exit(0));
process.on("exit", () => {
  for (const script of scripts.values()) script.abandon();
});
send({ kind: "ready", run: 0 });
