import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { runScript, type ScriptRun } from "./script-runs.ts";

type Options = NonNullable<Parameters<typeof runScript>[3]>;

/** One version of a service whose script, the first of `files`, runs again and again at the level `warm`. */
export function warmService(runner: Pick<ProcessStepRunner, "run" | "runRoot">, files: Record<string, string>) {
  const script = Object.keys(files)[0] as string;
  let directory: string | undefined;
  return {
    run(options: Options = {}): ScriptRun {
      const isolation = { level: "warm", network: false } as const;
      const request = { isolation, ...options.request };
      const run = runScript(runner, files, script, { ...options, request }, directory);
      directory = run.directory;
      return run;
    },
  };
}
