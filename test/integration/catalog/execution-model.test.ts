import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { test } from "vitest";
import { Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { executionCommands, type Model } from "./execution-commands.ts";

test("D4-D8: any sequence of claims, renewals, endings, losses, cancels, skips and retries does what a small model does", async () => {
  const sequences = fc.asyncProperty(
    fc.commands(executionCommands, { maxCommands: 60, size: "+1" }),
    async (commands) => {
      const database = new DatabaseSync(":memory:");
      try {
        const clock = new ManualClock();
        const ids = createIds(clock, systemRandom);
        const scene = new Scene(await openSqliteCatalog({ database, clock, ids, log: silentLog }), clock, ids);
        await scene.deploy("free", { trigger_events: ["free"] });
        await scene.deploy("once", { trigger_events: ["once"], on_lost: "fail", priority: 2 });
        // Priorities of their own: among services of one priority claims go round, which is not what this is about.
        await scene.deploy("limited", { trigger_events: ["limited"], concurrency: 2, priority: 4 });
        await scene.deploy("keyed", { trigger_events: ["keyed"], concurrency_key: "event.subject", priority: 6 });
        const model: Model = { nowMs: clock.now(), runs: [] };
        await fc.asyncModelRun(() => ({ model, real: scene }), commands);
      } finally {
        database.close();
      }
    },
  );
  await fc.assert(sequences, { numRuns: 150 });
});
