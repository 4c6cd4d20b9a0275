import { describe, expect, test } from "vitest";
import type { AlertRule, AlertRuleContent, ConditionOf } from "../../alerts/alert-rule.ts";
import { eventKeyOf } from "../../events/event-key.ts";
import type { AlertId, AlertRuleId } from "../../foundation/ids.ts";
import type { AlertReading, PlacedSighting } from "../alerts.ts";
import { minute, type Scene } from "./scene.contract.ts";
import { onlyDue, stepTo } from "./schedules.contract.ts";

const failing: ConditionOf<"failure_rate"> = {
  kind: "failure_rate",
  service: undefined,
  window: 300,
  percent: 50,
  minimum: 4,
};
const content: AlertRuleContent = {
  name: "failing",
  project: undefined,
  description: "runs fail",
  severity: "critical",
  active: true,
  condition: failing,
};
const place = { topic: "fx.platform", partition: 0 };

export function alertContract(start: () => Promise<Scene>): void {
  describe("rules", () => {
    test("a rule is made, changed and deleted; each change moves the epoch, and only those switched on are watched", async () => {
      const { catalog, clock } = await start();
      const { rules } = catalog.alerts;
      const epochs = [await rules.epoch()];
      const made = await rules.create(content);
      expect(made).toEqual({ ...content, id: made.id, revision: 1, since: clock.now(), createdAt: clock.now() });
      epochs.push(await rules.epoch());
      expect(await rules.watched()).toEqual({ epoch: epochs[1], rules: [made] });
      clock.advance(minute);
      const renamed = await rules.update(made.id, { name: "red", description: null, severity: "info" });
      expect(renamed).toEqual({ ...made, name: "red", description: undefined, severity: "info" });
      epochs.push(await rules.epoch());
      const off = await rules.update(made.id, { active: false });
      expect(off).toEqual({ ...renamed, active: false, revision: 2, since: clock.now() });
      expect((await rules.watched()).rules).toEqual([]);
      epochs.push(await rules.epoch());
      await rules.delete(made.id);
      epochs.push(await rules.epoch());
      expect(await rules.get(made.id)).toBeUndefined();
      expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
    });

    test("rules are listed by name, in pages; a name is taken once, and a project that has rules is kept", async () => {
      const { catalog } = await start();
      const { rules } = catalog.alerts;
      await catalog.projects.create({ name: "shop", description: "" });
      for (const name of ["b", "c", "a"]) await rules.create({ ...content, name });
      const ofShop = await rules.create({ ...content, name: "d", project: "shop" });
      const first = await rules.list({}, { limit: 3 });
      const second = await rules.list({}, { limit: 3, after: first.next });
      expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(["a", "b", "c", "d"]);
      expect((await rules.list({ project: "shop" }, { limit: 10 })).items).toEqual([ofShop]);
      await expect(rules.create({ ...content, name: "b" })).rejects.toMatchObject({ code: "conflict" });
      await expect(rules.update(ofShop.id, { name: "b" })).rejects.toMatchObject({ code: "conflict" });
      await expect(rules.create({ ...content, name: "e", project: "no" })).rejects.toMatchObject({ code: "not-found" });
      const stranger = { ...failing, service: "default/hello" };
      await expect(rules.update(ofShop.id, { condition: stranger })).rejects.toMatchObject({ code: "invalid-input" });
      for (const work of [rules.update("no" as AlertRuleId, { active: false }), rules.delete("no" as AlertRuleId)]) {
        await expect(work).rejects.toMatchObject({ code: "not-found" });
      }
      await expect(catalog.projects.delete("shop")).rejects.toMatchObject({ code: "conflict" });
      await rules.delete(ofShop.id);
      await catalog.projects.delete("shop");
    });
  });

  describe("episodes", () => {
    test("D1: what fires is raised once and resolved once, each with its event, under an id that derives from the episode", async () => {
      const scene = await start();
      const { alerts } = scene.catalog;
      const rule = await alerts.rules.create(content);
      const watch = watching(scene, rule);
      expect(await watch.runs(true, false, true)).toMatchObject({ raised: 0 });
      expect(await watch.runs(true)).toMatchObject({ raised: 1, resolved: 0 });
      expect(await watch.runs(true, true)).toMatchObject({ raised: 0, resolved: 0 });
      const [episode, ...others] = (await alerts.episodes({ open: true }, { limit: 10 })).items;
      expect(others).toEqual([]);
      expect(episode).toMatchObject({
        ruleId: rule.id,
        ruleName: "failing",
        subject: "default/hello",
        project: "default",
        summary: "3 of 4 runs of default/hello failed within 5 min",
        facts: { ended: 4, failed: 3, percent: 75 },
        end: undefined,
      });
      scene.clock.advance(6 * minute);
      expect(await watch.through(scene.clock.now())).toMatchObject({ raised: 0, resolved: 1, isThrough: true });
      expect(await watch.through(scene.clock.now())).toMatchObject({ raised: 0, resolved: 0 });
      expect(await alerts.episode(episode?.id as AlertId)).toMatchObject({ end: { why: "passed" } });
      const [raised, resolved, ...more] = await scene.sent();
      expect(more).toEqual([]);
      expect(raised).toMatchObject({
        type: "fx.alert.raised",
        subject: "default/hello",
        fxproject: "default",
        data: { alertId: episode?.id, rule: "failing", severity: "critical", description: "runs fail" },
      });
      expect(resolved).toMatchObject({
        type: "fx.alert.resolved",
        correlationid: raised?.correlationid,
        causationid: raised?.id,
        data: { alertId: episode?.id, resolution: "passed" },
      });
      expect(eventKeyOf(raised as NonNullable<typeof raised>)).not.toBe(
        eventKeyOf(resolved as NonNullable<typeof resolved>),
      );
    });

    test("what is read again counts for nothing, whoever reads it, and neither does an event that was sent twice", async () => {
      const scene = await start();
      const { alerts } = scene.catalog;
      const rule = await alerts.rules.create(content);
      const watch = watching(scene, rule);
      const two = watch.reading(watch.run(true), watch.run(true));
      await alerts.settle(two);
      expect(await Promise.all([alerts.settle(two), alerts.settle(two)])).toMatchObject([{ raised: 0 }, { raised: 0 }]);
      const [twice] = two.sightings as [PlacedSighting];
      await alerts.settle(watch.reading({ ...twice, offset: 90 }, { ...twice, offset: 91 }));
      expect((await alerts.episodes({}, { limit: 10 })).items).toEqual([]);
      expect(await alerts.positions()).toEqual([{ ...place, offset: 92 }]);
    });

    test("what several read of one service is added up, and an episode is raised by one of them", async () => {
      const scene = await start();
      const { alerts } = scene.catalog;
      const rule = await alerts.rules.create(content);
      const watch = watching(scene, rule);
      const readings = Array.from({ length: 8 }, (_, partition) => watch.readingOf(partition, watch.run(true)));
      const settled = await Promise.all(readings.map((reading) => alerts.settle(reading)));
      expect(settled.reduce((sum, { raised }) => sum + raised, 0)).toBe(1);
      expect((await alerts.episodes({}, { limit: 10 })).items).toMatchObject([{ facts: { ended: 4, failed: 4 } }]);
    });

    test("what was seen and what is open outlives a restart of whoever watches", async () => {
      const scene = await start();
      const rule = await scene.catalog.alerts.rules.create(content);
      const watch = watching(scene, rule);
      await watch.runs(true, true, true);
      const again = watching(scene, rule, 3);
      expect(await again.runs(true)).toMatchObject({ raised: 1 });
      expect(await again.runs(true)).toMatchObject({ raised: 0 });
    });

    test("a silence is judged once all from before was read, is raised though nothing ever comes, and ends with an event", async () => {
      const scene = await start();
      const { alerts } = scene.catalog;
      const rule = await alerts.rules.create({ ...content, condition: { kind: "silence", type: "beat", for: 60 } });
      const watch = watching(scene, rule);
      const beat = () => watch.sighting({ subject: "beat", key: "" });
      scene.clock.advance(59_000);
      expect(await watch.through(scene.clock.now())).toMatchObject({ raised: 0 });
      scene.clock.advance(2000);
      const unread = { at: scene.clock.now(), ends: [{ topic: "fx.events", partition: 3, offset: 7 }] };
      expect(await alerts.settle({ positions: [], sightings: [], readThrough: unread })).toMatchObject({
        raised: 0,
        isThrough: false,
      });
      const read = [{ topic: "fx.events", partition: 3, offset: 7 }];
      expect(await alerts.settle({ positions: read, sightings: [], readThrough: unread })).toMatchObject({
        raised: 1,
        isThrough: true,
      });
      expect(await watch.through(scene.clock.now())).toMatchObject({ raised: 0 });
      expect(await alerts.settle(watch.reading(beat()))).toMatchObject({ resolved: 1 });
      scene.clock.advance(61_000);
      expect(await watch.through(scene.clock.now())).toMatchObject({ raised: 1 });
      expect((await alerts.episodes({ ruleId: rule.id }, { limit: 10 })).items).toMatchObject([
        { subject: "beat", project: undefined, end: undefined, summary: "no event of the type beat for 1 min" },
        { subject: "beat", end: { why: "passed" } },
      ]);
    });

    test("a schedule is late when nobody takes up its time, when its run does not begin, and when a time was missed", async () => {
      const scene = await start();
      const { alerts, schedules } = scene.catalog;
      await scene.deploy("tick", { schedule: "*/5 * * * *" });
      const condition = { kind: "lateness", service: undefined, grace: 60 } as const;
      const { id } = await alerts.rules.create({ ...content, condition });
      const settle = () => alerts.settle({ positions: [], sightings: [], readThrough: undefined });
      const why = async () =>
        (await alerts.episodes({ open: true }, { limit: 10 })).items.map(({ facts }) => facts.why);
      expect(await settle()).toMatchObject({ raised: 0 });
      const at = (await schedules.nextDue()) as number;
      scene.clock.advance(at + 2 * minute - scene.clock.now());
      expect(await settle()).toMatchObject({ raised: 1 });
      expect(await settle()).toMatchObject({ raised: 0, resolved: 0 });
      expect(await why()).toEqual(["due"]);
      const first = await onlyDue(scene, scene.clock.now());
      await schedules.advance(first, stepTo(scene, first, at));
      expect(await settle()).toMatchObject({ raised: 0, resolved: 1 });

      scene.clock.advance(2 * minute);
      expect(await settle()).toMatchObject({ raised: 1 });
      expect(await why()).toEqual(["waiting"]);
      const claimed = await scene.claimOne();
      expect(await settle()).toMatchObject({ resolved: 1 });
      await scene.finish(claimed, { kind: "completed" });

      scene.clock.advance(1.5 * minute);
      const [next, after] = [at + 5 * minute, at + 10 * minute];
      const missed = { first: next, last: next, count: 1 };
      await schedules.advance(await onlyDue(scene, next), { to: next, next: after, missed });
      expect(await settle()).toMatchObject({ raised: 1 });
      expect(await why()).toEqual(["missed"]);
      await schedules.pause("default", "tick", true);
      expect(await settle()).toMatchObject({ resolved: 1 });
      const { items } = await alerts.episodes({ ruleId: id }, { limit: 10 });
      expect(items).toMatchObject(items.map(() => ({ subject: "default/tick", end: { why: "passed" } })));
      expect(items).toHaveLength(3);
    });

    test("a rule that watches for something else, is switched off or deleted ends its episodes, and what was seen for the old counts no more", async () => {
      const scene = await start();
      const { alerts } = scene.catalog;
      let rule = await alerts.rules.create(content);
      const ends = async () => (await alerts.episodes({}, { limit: 10 })).items.map(({ end }) => end?.why);
      const failAll = (of: AlertRule) => watching(scene, of, offset()).runs(true, true, true, true);
      expect(await failAll(rule)).toMatchObject({ raised: 1 });
      const former = rule;
      rule = await alerts.rules.update(rule.id, { condition: { ...failing, percent: 60 } });
      expect(await ends()).toEqual(["rule_changed"]);
      expect(await failAll(former)).toMatchObject({ raised: 0 });
      expect(await failAll(rule)).toMatchObject({ raised: 1 });
      await alerts.rules.update(rule.id, { active: false });
      expect(await ends()).toEqual(["rule_switched_off", "rule_changed"]);
      rule = await alerts.rules.update(rule.id, { active: true });
      expect(await failAll(rule)).toMatchObject({ raised: 1 });
      await alerts.rules.update(rule.id, { severity: "info" });
      expect((await ends())[0]).toBeUndefined();
      await alerts.rules.delete(rule.id);
      expect(await ends()).toEqual(["rule_deleted", "rule_switched_off", "rule_changed"]);
      expect((await scene.sent()).map(({ type }) => type.slice("fx.alert.".length))).toEqual([
        ...["raised", "resolved", "raised", "resolved", "raised", "resolved"],
      ]);
    });

    test("D13: episodes that ended long ago are forgotten, open ones never; positions of a lost bus are", async () => {
      const scene = await start();
      const { alerts, retention } = scene.catalog;
      const rule = await alerts.rules.create(content);
      await watching(scene, rule).runs(true, true, true, true);
      await alerts.rules.update(rule.id, { active: false });
      const back = await alerts.rules.update(rule.id, { active: true });
      await watching(scene, back, 10).runs(true, true, true, true);
      scene.clock.advance(10 * minute);
      await retention.prune({ ledgerMs: minute, bodiesMs: minute, executionsMs: minute }, 10);
      expect((await alerts.episodes({}, { limit: 10 })).items).toMatchObject([{ end: undefined }]);
      await alerts.startAnew([place]);
      expect(await alerts.positions()).toEqual([]);
    });

    test("episodes are listed newest first, by project, rule and whether they are open, in pages", async () => {
      const scene = await start();
      const { alerts, projects } = scene.catalog;
      await projects.create({ name: "shop", description: "" });
      const rule = await alerts.rules.create(content);
      for (const subject of ["default/a", "shop/b", "shop/c"]) {
        const watch = watching(scene, rule, offset());
        const four = Array.from({ length: 4 }, () => ({ ...watch.run(true), subject }));
        await alerts.settle(watch.reading(...four));
      }
      const subjects = async (filter: Parameters<typeof alerts.episodes>[0]) =>
        (await alerts.episodes(filter, { limit: 10 })).items.map(({ subject }) => subject);
      expect(await subjects({})).toEqual(["shop/c", "shop/b", "default/a"]);
      expect(await subjects({ project: "shop", open: true })).toEqual(["shop/c", "shop/b"]);
      expect(await subjects({ open: false })).toEqual([]);
      expect(await subjects({ ruleId: "other" as AlertRuleId })).toEqual([]);
      const first = await alerts.episodes({}, { limit: 2 });
      const second = await alerts.episodes({}, { limit: 2, after: first.next });
      expect(second.items.map(({ subject }) => subject)).toEqual(["default/a"]);
    });
  });
}

let nextOffset = 0;
/** Far behind what any other of these tests has read. */
function offset(): number {
  nextOffset += 100;
  return nextOffset;
}

/** Someone who watches for one rule, and reads one partition from an offset on. */
function watching(scene: Scene, { id: ruleId, revision }: AlertRule, from = 0) {
  const { alerts } = scene.catalog;
  let next = from;
  const sighting = (more: Partial<PlacedSighting>): PlacedSighting => ({
    ruleId,
    revision,
    subject: "default/hello",
    at: scene.clock.now(),
    key: scene.ids.next().slice(-12),
    ...place,
    offset: next++,
    ...more,
  });
  const reading = (...sightings: PlacedSighting[]): AlertReading => {
    const end = Math.max(...sightings.map(({ offset }) => offset)) + 1;
    return { positions: [{ ...place, offset: end }], sightings, readThrough: undefined };
  };
  const run = (failed: boolean) => sighting({ failed });
  return {
    sighting,
    run,
    reading,
    readingOf(partition: number, seen: PlacedSighting): AlertReading {
      const own = { topic: place.topic, partition };
      return {
        positions: [{ ...own, offset: 1 }],
        sightings: [{ ...seen, ...own, offset: 0 }],
        readThrough: undefined,
      };
    },
    runs: (...failed: boolean[]) => alerts.settle(reading(...failed.map(run))),
    through: (at: number) => alerts.settle({ positions: [], sightings: [], readThrough: { at, ends: [] } }),
  };
}
