/** Runs scripts as a user that is not root, one after the other, and prints what keeps them apart and how each ended, as JSON. */
import { noLimits, type RunLimits } from "../../../src/services/run-limits.ts";
import { openRunner, runScript } from "./script-runs.ts";
import { warmService } from "./warm-service.ts";

export interface UnprivilegedRun {
  level: "process" | "sandbox" | "warm";
  script: string;
  source: string;
  limits: Partial<RunLimits>;
}

const [data = "", asked = "[]"] = process.argv.slice(2);
const runner = await openRunner(data);
const results: unknown[] = [];
for (const { level, script, source, limits } of JSON.parse(asked) as UnprivilegedRun[]) {
  const request = { isolation: { level, network: false }, limits: { ...noLimits, ...limits } };
  const files = { [script]: source };
  const run =
    level === "warm" ? warmService(runner, files).run({ request }) : runScript(runner, files, script, { request });
  results.push({ ...(await run.result), said: run.both() });
}
await runner.close();
console.log(JSON.stringify({ isolation: runner.isolation.kind, results }));
