import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Settings } from "../../config/settings.ts";
import { messageOf } from "../../foundation/errors.ts";
import { isAlive } from "../../foundation/is-alive.ts";
import type { Finding } from "./finding.ts";

/** Whether the platform could write where its settings say, and who holds the directory. */
export function checkDataDirectory({ dataDir }: Settings): Finding {
  const check = "data directory";
  const nearest = existingDirectory(dataDir) ?? "/";
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch (error) {
    const fix = "choose another place (FX_DATA_DIR), or give this user the right to write there";
    return { check, verdict: "fail", found: `${nearest} cannot be written: ${messageOf(error)}`, fix };
  }
  if (nearest !== dataDir) return { check, verdict: "ok", found: `${dataDir}, made at the first start` };
  const holder = livingHolder(dataDir);
  return { check, verdict: "ok", found: holder === undefined ? dataDir : `${dataDir}, in use by process ${holder}` };
}

/** The directory, or the one above it that exists. */
export function existingDirectory(path: string): string | undefined {
  for (let directory = path; ; directory = dirname(directory)) {
    if (existsSync(directory)) return directory;
    if (directory === dirname(directory)) return undefined;
  }
}

/** The process that has the data directory; undefined when none does, or when the last one is gone. */
function livingHolder(dataDir: string): number | undefined {
  let pid: number;
  try {
    pid = Number(readFileSync(join(dataDir, "pid"), "utf8").trim());
  } catch {
    return undefined;
  }
  return isAlive(pid) ? pid : undefined;
}
