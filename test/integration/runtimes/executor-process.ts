/** An executor for a test to kill: runs one script that never ends and repeats what it prints. */
import { python } from "./programs.ts";
import { openRunner, runScript } from "./script-runs.ts";

const runner = await openRunner(process.argv[2] as string);
runScript(runner, { "sleep.py": python.source("sleepWithChild") }, "sleep.py", {
  host: { output: ({ bytes }) => void process.stdout.write(bytes) },
});
