import { sleep, systemClock } from "../../foundation/clock.ts";
import { messageOf, PlatformError } from "../../foundation/errors.ts";
import { endOfTurn } from "../../foundation/turn.ts";
import type { User } from "../isolation/run-users.ts";
import { killAllOfUser, launch } from "../launcher/launched-tools.ts";
import type { Launcher, LaunchRequest } from "../launcher/launcher.ts";
import { killStrays } from "../launcher/strays.ts";
import type { Told } from "./environment.ts";
import { LineReader } from "./line-reader.ts";

/** Lines kept of what a tool said, for the error that it ends with. */
const keptLines = 200;
/** Characters; the rest of a longer one is left out. */
const maxLineLength = 1_000;
/** Of one tool, while it runs. */
const toldLines = 5_000;
/** All that it says is read, so that it always goes on, and little of it kept. */
const outputCapBytes = Number.MAX_SAFE_INTEGER;
/** One that goes on forking under another mark is not found in any case. */
const killPasses = 200;
const killPassMs = 5;

export interface InstallCommand {
  command: string;
  args: readonly string[];
  cwd: string;
  /** All of it; nothing is inherited. */
  env: Readonly<Record<string, string>>;
  user: User | undefined;
  timeoutMs: number;
  /** Ends it, with `unavailable` and the reason's message. */
  signal?: AbortSignal | undefined;
}

export interface InstallEnd {
  /** Undefined: it was ended by a signal. */
  code: number | undefined;
  /** What it said last, on both streams. */
  lines: readonly string[];
}

/**
 * Runs a package tool to its end. When this resolves, none of its processes is left that can be recognised. Rejects with `unavailable`
 * where it cannot be started, is not needed any more or loses its launcher, with `timeout` where it takes too long.
 */
export async function runInstall(
  launcher: Launcher<LaunchRequest>,
  { signal, timeoutMs, ...asked }: InstallCommand,
  told: Told,
): Promise<InstallEnd> {
  const lines: string[] = [];
  let count = 0;
  const read = (text: string) => {
    const line = text.trimEnd();
    if (line === "") return;
    lines.push(line);
    if (lines.length > keptLines) lines.shift();
    count += 1;
    if (count <= toldLines) told(line);
    else if (count === toldLines + 1) told("… it says more than is shown");
  };
  const readers = { stdout: new LineReader(maxLineLength, read), stderr: new LineReader(maxLineLength, read) };
  const { args, env, cwd, user, ...rest } = asked;
  // Its first environment tells its processes from others, where no user of its own does.
  const marked = { ...env, FX_INSTALL: cwd };
  const request = { ...rest, user, cwd, args: [...args], env: marked, ttlMs: timeoutMs, outputCapBytes };
  const end = await launch(launcher, request, signal, async (stream, bytes) => {
    readers[stream].read(bytes);
    // One that never stops talking is held up, not everything else.
    await new Promise<void>(endOfTurn);
  });
  for (const reader of [readers.stdout, readers.stderr]) reader.end();
  if (end.kind === "lost") await killLost(launcher, user, `FX_INSTALL=${cwd}`);
  else if (user) await killAllOfUser(launcher, user);
  if (signal?.aborted) throw new PlatformError("unavailable", messageOf(signal.reason));
  switch (end.kind) {
    case "exited":
      return { code: end.code, lines };
    case "signalled":
    case "overrun":
      return { code: undefined, lines };
    case "expired": {
      const message = `it took longer than ${timeoutMs / 1000} s (setting dependencies.timeoutMs)`;
      throw new PlatformError("timeout", message, { retryable: false });
    }
    case "lost":
    case "unstartable":
      throw new PlatformError("unavailable", end.message);
  }
}

/** What is left of a tool whose launcher could not see to it any more. Where there is none again, the next install begins with it. */
async function killLost(launcher: Launcher<LaunchRequest>, user: User | undefined, entry: string): Promise<void> {
  if (user) return killAllOfUser(launcher, user).catch(() => {});
  for (let pass = 0; pass < killPasses && killStrays({ kind: "environment", entry }) > 0; pass += 1) {
    await sleep(systemClock, killPassMs);
  }
}
