/**
 * An executor for a test to kill: runs one script that never ends, at the level that it is told, and repeats what it prints. With "ahead"
 * in place of a level, one that ends, and prints where it lies.
 */
import type { IsolationLevel } from "../../../src/services/manifest.ts";
import { python } from "./programs.ts";
import { openRunner, runScript } from "./script-runs.ts";

const [, , data, level] = process.argv as string[];
const runner = await openRunner(data as string);
if (level === "ahead") {
  const run = runScript(runner, { "ends.py": "" }, "ends.py");
  await run.result;
  process.stdout.write(`${run.directory}\n`);
} else {
  runScript(runner, { "sleep.py": python.source("sleepWithChild") }, "sleep.py", {
    host: { output: ({ bytes }) => void process.stdout.write(bytes) },
    request: { isolation: { level: level as IsolationLevel, network: false } },
  });
}
