import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
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
 * Builds the program `main` on a module (`path@version`) whose parts are directories of its own repository, and published as modules
 * of their own at `partsVersion`. All others have the versions that it was released with. `texts`: variables that a release is
 * linked with, by their package.
 */
export async function goProgramOfParts(
  directory: string,
  { name, module, partsVersion, main, texts }: ProgramOfParts,
): Promise<void> {
  const [requires, version] = module.split("@");
  const released = JSON.parse(await tool("go", ["mod", "download", "-json", module])) as { GoMod: string; Dir: string };
  const settings = readFileSync(released.GoMod, "utf8")
    .replace(/^module .*$/m, "module engine")
    .replaceAll(/=> \.\/staging\/src\/(\S+)/g, `=> $1 ${partsVersion}`);
  const sources = path.join(directory, "sources");
  mkdirSync(sources);
  writeFileSync(path.join(sources, "go.mod"), `${settings}\nrequire ${requires} ${version}\n`);
  writeFileSync(path.join(sources, "go.sum"), readFileSync(path.join(released.Dir, "go.sum")));
  writeFileSync(path.join(sources, "main.go"), main);
  const target = path.join(directory, name);
  const flags = ["-s", "-w", ...Object.entries(texts).map(([variable, text]) => `-X ${variable}=${text}`)].join(" ");
  await go(["build", "-mod=mod", "-ldflags", flags, "-o", target, "."], { cwd: sources });
}

interface ProgramOfParts {
  name: string;
  module: string;
  partsVersion: string;
  main: string;
  texts: Record<string, string>;
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
