import { parseArgs } from "node:util";
import { situations } from "./history.ts";
import { runSeed, type SeedReport } from "./run-seed.ts";
import { runSeeds } from "./seed-pool.ts";

/**
 * `npm run sim -- --seed N [--seeds M] [--trace]`: replays one seed, or runs M from it on all cores.
 * Ends with exit code 1 when a rule was broken.
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
  },
});

const first = Number(values.seed);
const count = Number(values.seeds);
const startedAt = performance.now();
const reached = new Map<string, number>();
const totals = { seeds: 0, failed: 0, steps: 0, virtualMs: 0, operations: 0, succeeded: 0 };

function note(report: SeedReport): void {
  totals.seeds += 1;
  totals.steps += report.steps;
  totals.virtualMs += report.virtualMs;
  totals.operations += report.operations;
  totals.succeeded += report.succeeded;
  for (const [situation, times] of report.reached) reached.set(situation, (reached.get(situation) ?? 0) + times);
  if (values.trace) console.log(report.trace.join("\n"));
  if (report.violations.length === 0) return;
  totals.failed += 1;
  console.log(`seed ${report.seed} broke a rule: ${JSON.stringify(report.options)}`);
  for (const violation of report.violations) console.log(`  ${violation}`);
}

if (count === 1) note(await runSeed(first, {}, values.trace));
else {
  await runSeeds(
    Array.from({ length: count }, (_, index) => first + index),
    note,
  );
}
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
const hours = (totals.virtualMs / 3.6e6).toFixed(1);
const percent = Math.round((100 * totals.succeeded) / Math.max(1, totals.operations));
console.log(
  `${totals.seeds} seeds in ${seconds} s, ${totals.failed} failed; ${totals.steps} steps, ${hours} virtual hours`,
);
console.log(`${percent} % of ${totals.operations} operations succeeded`);
for (const situation of situations) console.log(`${String(reached.get(situation) ?? 0).padStart(10)}  ${situation}`);
process.exitCode = totals.failed > 0 ? 1 : 0;
