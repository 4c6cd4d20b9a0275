import { spawn } from "node:child_process";
import { PlatformError } from "../../foundation/errors.ts";

const toolMs = 60_000;

const toolEnvironment = { PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8", DO_NOT_TRACK: "1" };

/**
 * Runs a tool of ours to its end, `input` on its stdin, and returns what it printed. `env` is all of its environment. Rejects with
 * `unavailable`, the cause being why it could not be started, if so.
 */
export function runTool(
  command: string,
  args: readonly string[],
  input = "",
  env: Readonly<Record<string, string>> = toolEnvironment,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const tool = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      timeout: toolMs,
      env,
    });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    const fail = (why: string, cause?: Error) =>
      reject(new PlatformError("unavailable", `'${command}' failed: ${why}`, { cause }));
    tool.stdout.on("data", (bytes: Buffer) => output.push(bytes));
    tool.stderr.on("data", (bytes: Buffer) => errors.push(bytes));
    tool.on("error", (error) => fail(error.message, error));
    tool.on("close", (code, signal) => {
      if (code === 0) resolve(Buffer.concat(output).toString());
      else fail(`${signal ?? `exit code ${code}`} ${Buffer.concat(errors).toString().trim().slice(-500)}`);
    });
    tool.stdin.on("error", () => {});
    tool.stdin.end(input);
  });
}
