import { spawnSync } from "node:child_process";
import os from "node:os";

/** What ran, on what, and how busy the machine was otherwise. */
export function describeMachine(): string {
  const cpus = os.cpus();
  const commit = first("git", "rev-parse", "--short", "HEAD");
  const changed = first("git", "status", "--porcelain", "--", "src", "bench") === "" ? "" : " with changes";
  return [
    `${cpus.length} x ${cpus[0]?.model.trim() ?? "unknown processor"}, ${Math.round(os.totalmem() / 2 ** 30)} GB, ${os.type()} ${os.release()};`,
    `Node ${process.versions.node}, SQLite ${process.versions.sqlite}, ${first("python3", "--version") || "no Python"};`,
    `commit ${commit || "unknown"}${changed}; load ${os
      .loadavg()
      .map((load) => load.toFixed(2))
      .join(" ")}`,
  ].join(" ");
}

function first(command: string, ...args: string[]): string {
  return spawnSync(command, args, { encoding: "utf8" }).stdout?.trim() ?? "";
}
