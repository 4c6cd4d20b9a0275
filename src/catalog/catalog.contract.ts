import { describe, expect, test } from "vitest";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { eventKeyOf } from "../events/event-key.ts";
import type { Clock } from "../foundation/clock.ts";
import { createIds, type Ids } from "../foundation/ids.ts";
import { systemRandom } from "../foundation/random.ts";
import type { Catalog } from "./catalog.ts";
import { alertContract } from "./contract/alerts.contract.ts";
import { contentsContract } from "./contract/contents.contract.ts";
import { eventTypeContract } from "./contract/event-types.contract.ts";
import { executionContract } from "./contract/executions.contract.ts";
import { leaseContract } from "./contract/leases.contract.ts";
import { mappingContract } from "./contract/mappings.contract.ts";
import { ledgerContract, outboxContract, retentionContract } from "./contract/records.contract.ts";
import { replayContract } from "./contract/replays.contract.ts";
import { routingContract } from "./contract/routing.contract.ts";
import { Scene } from "./contract/scene.contract.ts";
import { jobContract, scheduleContract } from "./contract/schedules.contract.ts";
import { queueLimitContract, serviceLimitContract } from "./contract/service-limits.contract.ts";
import { linkContract, serviceContract } from "./contract/services.contract.ts";
import { turnContract } from "./contract/turns.contract.ts";

export interface CatalogUnderTest {
  catalog: Catalog;
  /** Another catalog on what this one stored, as after a crash: this one was not closed. */
  reopen(): Promise<Catalog>;
}

export interface CatalogContract {
  /** A new, empty catalog; released by the caller when the test ends. */
  open(options: { clock: Clock; ids: Ids }): Promise<CatalogUnderTest>;
}

/** What every driver of the catalog promises. Calls `describe` and `test`. */
export function catalogContract({ open }: CatalogContract): void {
  const openScene = async () => {
    const clock = new ManualClock();
    const ids = createIds(clock, systemRandom);
    const { catalog, reopen } = await open({ clock, ids });
    return { scene: new Scene(catalog, clock, ids), reopen };
  };
  const start = async () => (await openScene()).scene;

  describe("routing", () => routingContract(start));
  describe("leases", () => leaseContract(start));
  describe("turns", () => turnContract(start));
  describe("limits of runs", () => serviceLimitContract(start));
  describe("limits of queues", () => queueLimitContract(start));
  describe("executions", () => executionContract(start));
  describe("services", () => serviceContract(start));
  describe("schedules", () => scheduleContract(start));
  describe("jobs", () => jobContract(start));
  describe("replays", () => replayContract(start));
  describe("event types", () => eventTypeContract(start));
  describe("links", () => linkContract(start));
  describe("mappings", () => mappingContract(start));
  describe("alerts", () => alertContract(start));
  describe("ledger", () => ledgerContract(start));
  describe("outbox and run requests", () => outboxContract(start));
  describe("retention", () => retentionContract(start));
  describe("contents", () => contentsContract(start));

  describe("durability", () => {
    test("what a call answered is there after a crash, and what was under way is whole or not there", async () => {
      const { scene, reopen } = await openScene();
      await scene.deploy();
      const { id } = await scene.start();
      const claimed = await scene.claimOne();
      const event = scene.event();
      const underWay = scene.route(event).catch(() => undefined);
      const after = scene.over(await reopen());
      await underWay;
      expect(await after.catalog.executions.get(id)).toMatchObject({ status: "in_progress", attempt: 1 });
      expect(await after.finish(claimed, { kind: "completed" })).toBe(true);
      const entry = await after.catalog.ledger.get(eventKeyOf(event));
      const { items } = await after.catalog.executions.list({ eventKey: eventKeyOf(event) }, { limit: 10 });
      expect(items).toHaveLength(entry === undefined ? 0 : 1);
    });

    test("D20: transactions that run at once do not mix", async () => {
      const { scene } = await openScene();
      await scene.deploy();
      const work = Array.from({ length: 10 }, async (_, index) => {
        const batch = scene.batch([scene.incoming(scene.event())]);
        const failing = scene.catalog.routing.route(batch, () => {
          throw new Error("undone");
        });
        await Promise.allSettled([failing, scene.deploy(`s${index}`), scene.claim(), scene.routeBatch(batch)]);
      });
      await Promise.all(work);
      const { items } = await scene.catalog.services.list({}, { limit: 100 });
      expect(items).toHaveLength(11);
      const [totals] = await scene.catalog.ledger.totals();
      expect(totals).toMatchObject({ toOffset: 10 });
    });
  });
}
