/** An executor for a test to kill: runs one script that never ends, at the level that it is told, and repeats what it prints. */
import type { IsolationLevel } from "../../../src/services/manifest.ts";
import { python } from "./programs.ts";
import { openRunner, runScript } from "./script-runs.ts";

const [, , data, level] = process.argv as string[];
const runner = await openRunner(data as string);
runScript(runner, { "sleep.py": python.source("sleepWithChild") }, "sleep.py", {
  host: { output: ({ bytes }) => void process.stdout.write(bytes) },
  request: { isolation: { level: level as IsolationLevel, network: false } },
});
