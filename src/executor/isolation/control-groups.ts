import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../foundation/errors.ts";
import { sha256 } from "../../foundation/hash.ts";
import type { PythonInterpreter } from "../runtimes/find-python.ts";
import { runTool } from "../runtimes/run-tool.ts";
import { Zygotes } from "../zygote/zygotes.ts";

const tool = fileURLToPath(new URL("./control_groups.py", import.meta.url));

/** What counts and holds what all processes of a run use together. */
export type ControlGroups =
  /** Each run gets a group below this directory (cgroups(7), version 2). */
  | { directory: string }
  /** There are none: what a run uses is looked at ten times a second. */
  | { hindrance: string };

export interface ControlGroupOptions {
  /** `auto`, `off`, or the directory of a group that is the platform's to divide. */
  wanted: string;
  /** See ProcessStepRunnerOptions. */
  fork: "auto" | "off" | undefined;
  findPython(): Promise<PythonInterpreter>;
}

/** What `prepareControlGroups` would find; changes nothing. */
export async function probeControlGroups(options: ControlGroupOptions): Promise<ControlGroups> {
  return ask(options, "--probe");
}

/**
 * Makes a group ready that runs can have groups in; what a killed predecessor of the same run root left running there is
 * ended. The platform's own process may be moved into another group on the way.
 */
export async function prepareControlGroups(options: ControlGroupOptions, runRoot: string): Promise<ControlGroups> {
  return ask(options, "--prepare", `fx-${sha256(runRoot).slice(0, 16)}`);
}

/** Removes what is there, once nothing runs any more. */
export async function leaveControlGroups(groups: ControlGroups): Promise<void> {
  if (!("directory" in groups)) return;
  const { directory } = groups;
  const below = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of below) if (entry.isDirectory()) await rmdir(join(directory, entry.name)).catch(() => {});
  await rmdir(directory).catch(() => {});
}

/** One sentence for `fx doctor`. */
export function describeControlGroups(groups: ControlGroups): { inForce: boolean; text: string } {
  if ("directory" in groups) {
    return {
      inForce: true,
      text: `the kernel counts all that a run uses, in a control group of its own below ${groups.directory}`,
    };
  }
  const instead =
    "the kernel's limits hold for each process; what a run uses as a whole is looked at ten times a second";
  return { inForce: false, text: `${instead} (no control groups: ${groups.hindrance})` };
}

async function ask(
  { wanted, fork, findPython }: ControlGroupOptions,
  ...order: [string, string?]
): Promise<ControlGroups> {
  if (wanted === "off") return { hindrance: "switched off (setting executor.cgroup)" };
  if (fork === "off") return { hindrance: "only a forked run is born in one (setting executor.fork)" };
  if (!Zygotes.supported) return { hindrance: "they need Linux" };
  try {
    const { command } = await findPython();
    const [action, ...mark] = order;
    return JSON.parse(
      await runTool(command, ["-I", "-S", "-B", tool, action, wanted, ...mark.filter((word) => word !== undefined)]),
    );
  } catch (error) {
    return { hindrance: messageOf(error) };
  }
}
