import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { tool } from "./cache.ts";

/** Builds the program `main` of a published module, which `requires` names with its version, in a module of our own. */
export async function goProgram(directory: string, name: string, requires: string, main: string): Promise<void> {
  const sources = path.join(directory, "sources");
  mkdirSync(sources);
  writeFileSync(path.join(sources, "go.mod"), `module engine\n\ngo 1.20\n\nrequire ${requires}\n`);
  writeFileSync(path.join(sources, "main.go"), main);
  await tool("go", ["mod", "tidy"], { cwd: sources });
  await tool("go", ["build", "-ldflags", "-s -w", "-o", path.join(directory, name), "."], { cwd: sources });
}
