import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Engine, ServerPlace } from "./engine.ts";
import { freePorts } from "./free-ports.ts";

const readyMs = 180_000;
const stopMs = 30_000;

/** Servers of one engine: where they are, and the process of each that has been started. */
export interface Servers {
  engine: Engine;
  places: readonly ServerPlace[];
  /** By index; undefined: not started, or known to have ended. */
  processes: (ServerProcess | undefined)[];
}

/** A pid may be another process's later; with the time of its start, in ticks since the machine's, it is one's only. */
export interface ServerProcess {
  pid: number;
  startTicks: string;
}

/** Chooses a directory below `directory` and free ports for each of `count` servers. Starts nothing. */
export async function placeServers(
  engine: Engine,
  programs: string,
  directory: string,
  count: number,
): Promise<Servers> {
  const ports = await freePorts(count * engine.portsEach);
  const places = Array.from({ length: count }, (_, index) => ({
    index,
    programs,
    directory: path.join(directory, count === 1 ? engine.name : `${engine.name}-${index}`),
    ports: ports.slice(index * engine.portsEach, (index + 1) * engine.portsEach),
  }));
  return { engine, places, processes: places.map(() => undefined) };
}

/** Starts those that do not run, each as a process group of its own, and waits until all answer. */
export async function startServers(servers: Servers): Promise<void> {
  for (const { index } of servers.places) if (!runs(servers, index)) await launch(servers, index);
  for (const { index } of servers.places) await untilAnswering(servers, index);
}

/** Starts one of them again, on its data and its ports. Resolves once it answers. */
export async function startServer(servers: Servers, index: number): Promise<void> {
  if (!runs(servers, index)) await launch(servers, index);
  await untilAnswering(servers, index);
}

/** SIGTERM, and SIGKILL where that does not end it. Resolves when all are gone. */
export async function stopServers(servers: Servers): Promise<void> {
  await Promise.all(
    servers.places.map(async ({ index }) => {
      signalServer(servers, index, servers.engine.stopSignal ?? "SIGTERM");
      if (!(await gone(servers, index, stopMs))) await killServer(servers, index);
    }),
  );
}

/** Ends one as a crash would. Resolves when it is gone. */
export async function killServer(servers: Servers, index: number): Promise<void> {
  signalServer(servers, index, "SIGKILL");
  await gone(servers, index, stopMs);
}

/** To its whole group. Nothing happens where it does not run. */
export function signalServer(servers: Servers, index: number, signal: NodeJS.Signals): void {
  const started = servers.processes[index];
  if (started !== undefined && runs(servers, index)) process.kill(-started.pid, signal);
}

export function runs({ processes }: Servers, index: number): boolean {
  const started = processes[index];
  return started !== undefined && startTicksOf(started.pid) === started.startTicks;
}

/** Undefined: there is no such process, or it has ended and its parent has not asked yet. */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name may hold anything but ends with the last bracket.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The end of what a server wrote, for an error's message. */
export function lastWords({ places }: Servers, index: number): string {
  try {
    return readFileSync(logFile(places[index] as ServerPlace), "utf8")
      .trimEnd()
      .slice(-2000);
  } catch {
    return "(no log)";
  }
}

async function launch({ engine, places, processes }: Servers, index: number): Promise<void> {
  const place = places[index] as ServerPlace;
  mkdirSync(place.directory, { recursive: true });
  const { command, args, env, user } = await engine.prepare(place, places);
  const { PATH = "", HOME = "", LANG = "C.UTF-8" } = process.env;
  const log = openSync(logFile(place), "a");
  try {
    const child = spawn(command, args, {
      cwd: place.directory,
      env: { PATH, HOME, LANG, ...env },
      stdio: ["ignore", log, log],
      detached: true,
      ...user,
    });
    await once(child, "spawn");
    child.unref();
    const pid = child.pid as number;
    processes[index] = { pid, startTicks: startTicksOf(pid) ?? "" };
  } finally {
    closeSync(log);
  }
}

async function untilAnswering(servers: Servers, index: number): Promise<void> {
  const { engine, places } = servers;
  const place = places[index] as ServerPlace;
  const began = performance.now();
  while (!(await engine.answers(place).catch(() => false))) {
    const ended = !runs(servers, index);
    if (ended || performance.now() - began > readyMs) {
      const what = ended ? "ended while it started" : `does not answer after ${readyMs / 1000} s`;
      throw new Error(`${engine.title} ${what}; the end of ${logFile(place)}:\n${lastWords(servers, index)}`);
    }
    await pause(100);
  }
}

async function gone(servers: Servers, index: number, withinMs: number): Promise<boolean> {
  const began = performance.now();
  while (runs(servers, index)) {
    if (performance.now() - began > withinMs) return false;
    await pause(20);
  }
  servers.processes[index] = undefined;
  return true;
}

function logFile({ directory }: ServerPlace): string {
  return path.join(directory, "log");
}
