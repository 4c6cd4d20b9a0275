import { expect, test } from "vitest";
import type { AlertRule, AlertRuleContent } from "../../../src/alerts/alert-rule.ts";
import type { AlertReading } from "../../../src/catalog/alerts.ts";
import type { Scene } from "../../../src/catalog/contract/scene.contract.ts";
import type { TypeObservation } from "../../../src/catalog/event-types.ts";
import { observe } from "../../../src/events/schema/observe.ts";
import { settledSamples } from "../../../src/events/schema/settled.ts";
import { emptyTypeShape } from "../../../src/events/schema/shape.ts";
import { topics } from "../../../src/events/topics.ts";
import type { Json } from "../../../src/foundation/json.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { meet, openStoppable } from "../../support/postgres-stops.ts";

const postgres = postgresForFile();

const counting = { before: /insert into "partitions"/ };
const placeAt = (offset: number, partition = 0) => ({ topic: topics.events, partition, offset });

test("D15: what two routers reject, or pass over, at once is counted once", async () => {
  const [router, other] = await openStoppable(postgres);
  const poison = [{ ...placeAt(3), reason: "unreadable", receivedAt: 0 }];
  const empty = [{ ...placeAt(9), passed: 5 }];
  const reject = ({ catalog }: Scene) => catalog.routing.reject(poison);
  const pass = ({ catalog }: Scene) => catalog.routing.pass(empty);
  await meet(
    postgres,
    router,
    counting,
    () => reject(router),
    () => reject(other),
  );
  await meet(
    postgres,
    router,
    counting,
    () => pass(router),
    () => pass(other),
  );
  expect(await router.catalog.ledger.totals()).toMatchObject([{ toOffset: 9, rejected: 1, passed: 5 }]);
});

test("positions that are forgotten while a router moves them are in nobody's way, and what it moved stays", async () => {
  const [keeper, router] = await openStoppable(postgres);
  const partitions = [0, 1];
  await router.catalog.routing.pass(partitions.map((partition) => placeAt(4, partition)));
  const forget = () => keeper.catalog.routing.startAnew(partitions.map((partition) => placeAt(4, partition)));
  const move = () => router.catalog.routing.pass([placeAt(6, 1), placeAt(6, 0)]);
  await meet(postgres, keeper, { after: /delete from "partitions"/ }, forget, move);
  expect(keeper.undone + router.undone).toBe(0);
  expect(await router.catalog.routing.positions()).toMatchObject([{ offset: 6 }, { offset: 6 }]);
});

const type = "order.placed";

function seen(data: readonly Json[], changes: Partial<TypeObservation> = {}): TypeObservation {
  const shape = emptyTypeShape();
  for (const one of data) observe(shape, one);
  const producers = [{ source: "/shop", project: undefined, count: data.length, lastSeen: 2 }];
  return { type, count: data.length, firstSeen: 1, lastSeen: 2, producers, shape, known: false, ...changes };
}

const learning = { before: /^update "event_types"/ };

test("what two sinks have seen of one type at once adds up", async () => {
  const [sink, other] = await openStoppable(postgres);
  const learn = ({ catalog }: Scene) => catalog.eventTypes.learn([seen([{ id: 1 }])]);
  await learn(sink);
  await meet(
    postgres,
    sink,
    learning,
    () => learn(sink),
    () => learn(other),
  );
  expect(await sink.catalog.eventTypes.get(type)).toMatchObject({ count: 3 });
});

test("of a type that is forgotten while a sink notes its drift nothing is left", async () => {
  const [sink, person] = await openStoppable(postgres);
  const { eventTypes } = sink.catalog;
  await eventTypes.learn([seen(Array.from({ length: settledSamples }, (_, id) => ({ id })))]);
  const drift = () => eventTypes.learn([seen([{ id: "text" }], { known: true })]);
  const [[learned]] = await meet(postgres, sink, learning, drift, () => person.catalog.eventTypes.forget(type));
  expect(learned?.outcome).toBe("drifted");
  expect([await eventTypes.get(type), await eventTypes.versions(type)]).toEqual([undefined, []]);
});

const content: AlertRuleContent = {
  name: "failing",
  project: undefined,
  description: undefined,
  severity: "info",
  active: true,
  condition: { kind: "failure_rate", service: undefined, window: 300, percent: 50, minimum: 4 },
};

/** Of failed runs, the first of a partition. */
function readingOf({ clock, ids }: Scene, { id: ruleId, revision }: AlertRule, count: number, partition = 0) {
  const place = { topic: topics.platform, partition };
  const sightings = Array.from({ length: count }, (_, offset) => {
    const key = ids.next().slice(-12);
    return { ruleId, revision, subject: "default/hello", at: clock.now(), key, failed: true, ...place, offset };
  });
  return { positions: [{ ...place, offset: count }], sightings, readThrough: undefined } satisfies AlertReading;
}

test("D1: what two sinks read of one service at once is added up, and raised once", async () => {
  const [sink, other] = await openStoppable(postgres);
  const rule = await sink.catalog.alerts.rules.create(content);
  const settle = (scene: Scene, partition: number) => () =>
    scene.catalog.alerts.settle(readingOf(scene, rule, 2, partition));
  const settled = await meet(
    postgres,
    sink,
    { before: /insert into "alert_states"/ },
    settle(sink, 0),
    settle(other, 1),
  );
  expect(settled.map(({ raised }) => raised)).toEqual([0, 1]);
});

const endings = {
  "switched off": (scene: Scene, { id }: AlertRule) => scene.catalog.alerts.rules.update(id, { active: false }),
  deleted: (scene: Scene, { id }: AlertRule) => scene.catalog.alerts.rules.delete(id),
};
for (const [how, end] of Object.entries(endings)) {
  test(`D1: an alert that is raised while its rule is ${how} ends with it`, async () => {
    const [sink, person] = await openStoppable(postgres);
    const { alerts } = sink.catalog;
    const rule = await alerts.rules.create(content);
    const settle = () => alerts.settle(readingOf(sink, rule, 4));
    const raising = { before: /insert into "alert_episodes"/ };
    const [{ raised }] = await meet(postgres, sink, raising, settle, async () => end(person, rule));
    expect(raised).toBe(1);
    expect((await alerts.episodes({ open: true }, { limit: 10 })).items).toEqual([]);
    expect((await alerts.episodes({}, { limit: 10 })).items).toHaveLength(1);
  });
}

test("what two people change of one alert rule at once is changed both", async () => {
  const [person, other] = await openStoppable(postgres);
  const { id } = await person.catalog.alerts.rules.create(content);
  const rename = () => person.catalog.alerts.rules.update(id, { name: "red" });
  const raise = () => other.catalog.alerts.rules.update(id, { severity: "critical" });
  await meet(postgres, person, { before: /^update "alert_rules"/ }, rename, raise);
  expect(await person.catalog.alerts.rules.get(id)).toMatchObject({ name: "red", severity: "critical" });
});

test("of two alert rules that get one name at once one is refused", async () => {
  const [person, other] = await openStoppable(postgres);
  const create = ({ catalog }: Scene) =>
    catalog.alerts.rules.create(content).then(
      () => "made",
      ({ code }) => code as string,
    );
  const inserting = { before: /insert into "alert_rules"/ };
  const both = await meet(
    postgres,
    person,
    inserting,
    () => create(person),
    () => create(other),
  );
  expect(both.sort()).toEqual(["conflict", "made"]);
});

test("positions of alerts that are forgotten while a sink moves them are in nobody's way", async () => {
  const [sink, keeper] = await openStoppable(postgres);
  const places = [0, 1].map((partition) => ({ topic: topics.platform, partition, offset: 4 }));
  const settle = (positions: typeof places) => () =>
    sink.catalog.alerts.settle({ positions, sightings: [], readThrough: undefined });
  await settle(places)();
  const forget = () => keeper.catalog.alerts.startAnew(places);
  const moved = places.map((place) => ({ ...place, offset: 6 })).reverse();
  await meet(postgres, keeper, { after: /delete from "alert_positions"/ }, forget, settle(moved));
  expect(keeper.undone + sink.undone).toBe(0);
  expect(await sink.catalog.alerts.positions()).toHaveLength(2);
});
