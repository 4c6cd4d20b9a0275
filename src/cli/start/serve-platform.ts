import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../foundation/errors.ts";
import type { Role } from "../../platform/roles.ts";
import type { Platform } from "../../platform/start.ts";
import { CliError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { findPortHolder } from "./port-holder.ts";

/** Settings as flags, in camel case; `ephemeral` is ours. */
export interface ServeOptions {
  /** Of the command, for what is said. */
  name: string;
  /** Undefined: all of them. */
  role: Role | undefined;
  ephemeral?: boolean | undefined;
  flags: Record<string, unknown>;
}

/**
 * Starts the platform and keeps it until SIGINT or SIGTERM: the first drains, a second Ctrl-C ends at once.
 * `FX is ready at <url>`, or `FX router is ready at <url>`, is the only line on standard output.
 */
export async function servePlatform({ name, role, ephemeral, flags }: ServeOptions): Promise<void> {
  process.stderr.write(`StreamZero FX starts${role ? ` as ${role}` : ""} ...\n`);
  const temporary = ephemeral ? mkdtempSync(join(tmpdir(), "fx-ephemeral-")) : undefined;
  // Also when the process is ended at once: nothing of an ephemeral platform stays.
  if (temporary) process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
  const stopped = waitForStop();
  const { startPlatform } = await import("../../platform/start.ts");
  let platform: Platform;
  try {
    const sources = { flags: { ...flags, ...(temporary ? { dataDir: temporary } : {}) } };
    platform = await startPlatform(sources, role && [role]);
  } catch (error) {
    throw await explainStartFailure(error, name, flags);
  }
  process.stdout.write(`FX ${role ? `${role} ` : ""}is ready at ${platform.url}\n`);
  if (temporary) process.stderr.write(`ephemeral: the data directory, with the token, is ${temporary}\n`);
  const signal = await stopped;
  process.stderr.write(`${signal}: finishing what runs; Ctrl-C again ends at once\n`);
  await platform.close();
}

function waitForStop(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (signal: NodeJS.Signals) => {
      // A supervisor may send SIGTERM more than once; only a person's second Ctrl-C means "at once".
      if (stopping && signal === "SIGINT") process.exit(exitCodes.interrupted.code);
      stopping = true;
      resolve(signal);
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}

async function explainStartFailure(error: unknown, name: string, flags: Record<string, unknown>): Promise<unknown> {
  if (!isAddressInUse(error)) return error;
  const { loadSettings } = await import("../../config/settings.ts");
  const { settings } = loadSettings({ flags });
  const holder = findPortHolder(settings.port);
  return new CliError({
    what: `port ${settings.port} of ${settings.host} is taken`,
    why: holder ? `process ${holder.pid} listens there: ${holder.command}` : "another process listens there",
    fix: `fx ${name} --port ${settings.port + 1}${holder ? `, or stop it: kill ${holder.pid}` : ""}`,
    exit: "refused",
  });
}

function isAddressInUse(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ((error as NodeJS.ErrnoException).code === "EADDRINUSE" || messageOf(error).includes("EADDRINUSE")) return true;
  return isAddressInUse(error.cause);
}
