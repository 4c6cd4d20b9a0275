import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { tool } from "./cache.ts";

const tries = 3;
const pauseMs = 5000;

/** Builds the program of a published module, `path@version`, which is a main package that replaces no module by another. */
export async function goInstall(directory: string, program: string): Promise<void> {
  await go(["install", "-ldflags=-s -w", program], { env: { GOBIN: directory } });
}

/** Builds the program `main` of a published module, which `requires` names with its version, in a module of our own. */
export async function goProgram(directory: string, name: string, requires: string, main: string): Promise<void> {
  const sources = path.join(directory, "sources");
  mkdirSync(sources);
  writeFileSync(path.join(sources, "go.mod"), `module engine\n\ngo 1.20\n\nrequire ${requires}\n`);
  writeFileSync(path.join(sources, "main.go"), main);
  await go(["mod", "tidy"], { cwd: sources });
  await go(["build", "-ldflags", "-s -w", "-o", path.join(directory, name), "."], { cwd: sources });
}

/** A registry may fail for a moment; what has come of a module stays. */
async function go(args: readonly string[], options: Parameters<typeof tool>[2], left = tries): Promise<void> {
  try {
    await tool("go", args, options);
  } catch (error) {
    if (left === 1) throw error;
    await pause(pauseMs);
    await go(args, options, left - 1);
  }
}
