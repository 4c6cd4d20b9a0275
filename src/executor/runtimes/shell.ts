import { closeSync, openSync, readSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, PlatformError, type Problem } from "../../foundation/errors.ts";
import { oldestPython } from "./find-python.ts";
import { setAsideBytes } from "./node.ts";
import type { RunTool } from "./run-tool.ts";
import type { Runtime, RuntimeSetup } from "./runtime.ts";

/** `sh` and `bash`, by the script's first line. Python dials the channel for them, and is what `fx-context` runs on. */
export function createShellRuntime({ findPython, library, runTool }: RuntimeSetup): Runtime {
  const shellLibrary = join(library, "shell");
  let found: Awaited<ReturnType<typeof findPython>> | undefined;
  return {
    name: "shell",
    extensions: [".sh"],
    async resolve() {
      found = await findPython();
    },
    command({ directory, path }) {
      if (!found) throw new Error("the shell runtime was not resolved");
      const shell = shellOf(firstLine(join(directory, path)));
      const start = typeof shell === "string" ? ["sh", "-c", `echo "$1" >&2; exit 126`, "sh", shell] : [...shell];
      return {
        command: found.command,
        args: ["-I", "-S", "-E", "-B", "-X", "utf8", join(shellLibrary, "bootstrap.py"), ...start],
        setAsideBytes,
        env: { PATH: `${join(shellLibrary, "bin")}:/usr/local/bin:/usr/bin:/bin` },
      };
    },
    files: () => found?.prefixes.concat(found.command) ?? [],
    async check(scripts) {
      const problems = await Promise.all(scripts.map(({ directory, path }) => check(directory, path, runTool)));
      return problems.filter((problem) => problem !== undefined);
    },
    async probe() {
      try {
        const { version } = await findPython();
        const bash = await runTool("bash", ["-c", "echo $BASH_VERSION"]).catch(() => "");
        return {
          available: true,
          command: "/bin/sh",
          version: `${bash ? `with bash ${bash.trim()}` : "without bash"}, Python ${version} for fx-context`,
        };
      } catch (error) {
        const fix = `Install Python ${oldestPython} or later for all users (Debian: apt-get install python3), or set its path.`;
        return { available: false, reason: `shell scripts reach the platform by Python: ${messageOf(error)}`, fix };
      }
    },
  };
}

/** The shell and its options, or why there is none. */
export function shellOf(line: string): [string, ...string[]] | string {
  if (!line.startsWith("#!")) return ["sh"];
  const words = line.slice(2).trim().split(/\s+/);
  if (/(^|\/)env$/.test(words[0] ?? "")) words.shift();
  const [command = "", ...options] = words;
  const name = command.split("/").at(-1);
  if ((name === "sh" || name === "bash") && options.every((option) => /^[-+]/.test(option))) return [name, ...options];
  return `'${line.slice(0, 80)}' does not run here: a .sh script begins with #!/bin/sh, #!/bin/bash or #!/usr/bin/env bash, or has no such line`;
}

async function check(directory: string, path: string, runTool: RunTool): Promise<Problem | undefined> {
  const file = join(directory, path);
  const shell = shellOf(firstLine(file));
  if (typeof shell === "string") return { path: `${path}:1`, message: shell };
  if (await hasWindowsLines(file)) {
    const message =
      "lines end as on Windows (CRLF), and a shell takes the CR for a part of its words: save the file with LF";
    return { path: `${path}:1`, message };
  }
  try {
    await runTool(shell[0], ["-n", file]);
    return undefined;
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    // dash: `FILE: 3: Syntax error: ...`; bash: `FILE: line 3: syntax error ...`.
    const after = error.message.split(`${file}: `)[1]?.split("\n")[0];
    const [, line, message] = /^(?:line )?(\d+): (.*)$/.exec(after ?? "") ?? [];
    if (line === undefined) return { path: `${path}:1`, message: error.message.replaceAll(file, path) };
    return { path: `${path}:${line}`, message: message as string };
  }
}

/** Every line, that is: some may be meant so, as in a here document. */
async function hasWindowsLines(file: string): Promise<boolean> {
  const lines = (await readFile(file, "latin1")).split("\n").slice(0, -1);
  return lines.length > 0 && lines.every((line) => line.endsWith("\r"));
}

function firstLine(file: string): string {
  const bytes = Buffer.alloc(256);
  const descriptor = openSync(file, "r");
  try {
    const length = readSync(descriptor, bytes, 0, bytes.length, 0);
    return bytes.toString("utf8", 0, length).split("\n", 1)[0]?.trimEnd() ?? "";
  } finally {
    closeSync(descriptor);
  }
}
