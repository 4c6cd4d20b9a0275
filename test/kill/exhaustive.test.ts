import { describe, expect, test } from "vitest";
import { expectedExecutions, type Moment, playWithCrash } from "./crash-scenario.ts";

describe("a kill at every storage call", () => {
  for (const moment of ["before", "after"] as const satisfies Moment[]) {
    test(`D1, D2, D9: killed ${moment} the n-th call, for every n, each event still runs the whole chain once`, async () => {
      const killedAt = new Set<string>();
      let n = 1;
      for (; ; n += 1) {
        const report = await playWithCrash(n, moment);
        expect(report.violations, `killed ${moment} call ${n}, ${report.killedAt}`).toEqual([]);
        expect(report.executions, `killed ${moment} call ${n}, ${report.killedAt}`).toEqual(expectedExecutions);
        if (report.killedAt === undefined) break;
        killedAt.add(report.killedAt);
      }
      expect(n).toBeGreaterThan(50);
      expect([...killedAt]).toEqual(
        expect.arrayContaining([
          "client",
          "bus.publish",
          "bus.commit",
          "catalog.routing.route",
          "catalog.leases.claim",
          "catalog.leases.finish",
          "catalog.outbox.send",
          "configStore.state.put",
        ]),
      );
    }, 180_000);
  }
});
