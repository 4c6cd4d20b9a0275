import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
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

/**
 * Builds the program `main` and those of `packages`, by the last part of their path, in one module: what they share is compiled once.
 * `requires` are `path version`. `parts` names the one whose parts are published as modules of their own, with the version of those.
 */
export async function goPrograms(
  directory: string,
  { name, main, packages, requires, parts }: GoPrograms,
): Promise<void> {
  const sources = path.join(directory, "sources");
  mkdirSync(sources);
  const replaced = (await partsOf(parts.module)).map((part) => `replace ${part} => ${part} ${parts.version}`);
  const lines = ["module engine", "go 1.26.0", ...requires.map((each) => `require ${each}`), ...replaced];
  writeFileSync(path.join(sources, "go.mod"), `${lines.join("\n")}\n`);
  writeFileSync(path.join(sources, "main.go"), main);
  // One directory of programs: Go names each after its package's path, and ours after its module.
  await go(["build", "-mod=mod", "-ldflags", "-s -w", "-o", `${directory}/`, ".", ...packages], { cwd: sources });
  renameSync(path.join(directory, "engine"), path.join(directory, name));
}

interface GoPrograms {
  name: string;
  main: string;
  packages: readonly string[];
  requires: readonly string[];
  parts: { module: string; version: string };
}

/** What a module (`path@version`) puts directories of its own repository in the place of, which are not published with it. */
async function partsOf(module: string): Promise<string[]> {
  const { GoMod: file } = JSON.parse(await tool("go", ["mod", "download", "-json", module])) as { GoMod: string };
  return [...readFileSync(file, "utf8").matchAll(/^\s*(\S+) => \.\/staging\/.*$/gm)].map(([, part]) => part as string);
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
