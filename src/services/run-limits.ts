import { fewestProcesses, isContained } from "./elsewhere.ts";
import type { Manifest } from "./manifest.ts";

/** What one script may use. Undefined: as much as the machine gives. */
export interface RunLimits {
  /** Of all its processes together; each by itself can never have more. */
  memoryBytes: number | undefined;
  /** Of all its processes together; each by itself can never have more. */
  cpuSeconds: number | undefined;
  /** With their threads. */
  processes: number | undefined;
  /** Of each process. */
  openFiles: number | undefined;
  /** Past it the run ends; past the platform's own cap output is only not kept any more. */
  outputBytes: number | undefined;
}

export type LimitName = keyof RunLimits;

export const limitNames = [
  "memoryBytes",
  "cpuSeconds",
  "processes",
  "openFiles",
  "outputBytes",
] as const satisfies LimitName[];

export const noLimits: RunLimits = {
  memoryBytes: undefined,
  cpuSeconds: undefined,
  processes: undefined,
  openFiles: undefined,
  outputBytes: undefined,
};

/** The manifest's key of each limit, and how a value of it is told. */
const words: Record<LimitName, { key: keyof Manifest; told(value: number): string }> = {
  memoryBytes: { key: "memory", told: (value) => `${sizeText(value)} of memory` },
  cpuSeconds: { key: "cpu_seconds", told: (value) => `${value} s of processor time` },
  processes: { key: "max_processes", told: (value) => `${value} processes and threads` },
  openFiles: { key: "max_open_files", told: (value) => `${value} open files` },
  outputBytes: { key: "max_output", told: (value) => `${sizeText(value)} of output` },
};

/** The limits of a run: what the manifest says, within the platform's caps; the caps where it says nothing. A container has what it cannot start without. */
export function limitsOf(manifest: Manifest, caps: RunLimits): RunLimits {
  const wanted = wantedBy(manifest);
  const processes = lower(wanted.processes, caps.processes);
  return {
    memoryBytes: lower(wanted.memoryBytes, caps.memoryBytes),
    cpuSeconds: lower(wanted.cpuSeconds, caps.cpuSeconds),
    processes: processes && isContained(manifest) ? Math.max(processes, fewestProcesses) : processes,
    openFiles: lower(wanted.openFiles, caps.openFiles),
    // By itself the platform's cap on output ends no run: what is past it is not kept.
    outputBytes: wanted.outputBytes && lower(wanted.outputBytes, caps.outputBytes),
  };
}

/** One warning for each limit that the platform's caps lower. */
export function limitWarnings(manifest: Manifest, caps: RunLimits): string[] {
  const wanted = wantedBy(manifest);
  return limitNames.flatMap((name) => {
    const [asked, cap] = [wanted[name], caps[name]];
    if (asked === undefined || cap === undefined || asked <= cap) return [];
    const { key, told } = words[name];
    return [`manifest.json: ${key} asks for ${told(asked)}; this platform gives a run at most ${told(cap)}`];
  });
}

/** What a person reads of a run that was ended for using more than it may. */
export function overrunText(name: LimitName, value: number): string {
  const { key, told } = words[name];
  return `used more than its ${told(value)} (manifest key "${key}")`;
}

function wantedBy(manifest: Manifest): RunLimits {
  return {
    memoryBytes: manifest.memory,
    cpuSeconds: manifest.cpu_seconds,
    processes: manifest.max_processes,
    openFiles: manifest.max_open_files,
    outputBytes: manifest.max_output,
  };
}

function lower(wanted: number | undefined, cap: number | undefined): number | undefined {
  if (wanted === undefined || cap === undefined) return wanted ?? cap;
  return Math.min(wanted, cap);
}

const units = ["B", "KB", "MB", "GB", "TB"];

function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}
