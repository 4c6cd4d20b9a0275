import { expect, test } from "vitest";
import type { AlertRuleContent } from "../../../src/alerts/alert-rule.ts";
import type { Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { codeOf, paidLink } from "../../../src/catalog/contract/scene.contract.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { meet, openStoppable } from "../../support/postgres-stops.ts";

const postgres = postgresForFile();

const mapping = {
  name: undefined,
  project: "shop",
  fromType: "a",
  toType: "b",
  filter: undefined,
  strategy: "all",
  fields: [],
  active: true,
} as const;
const rule: AlertRuleContent = {
  name: "failing",
  project: "shop",
  description: undefined,
  severity: "info",
  active: true,
  condition: { kind: "failure_rate", service: undefined, window: 300, percent: 50, minimum: 4 },
};

interface Making {
  /** It has seen the project by then. */
  place: { before: RegExp };
  make: (scene: Scene) => Promise<unknown>;
}
const inProject: Record<string, Making> = {
  "a service": {
    place: { before: /insert into "services"/ },
    make: (scene) => scene.deploy("s", {}, { project: "shop" }),
  },
  "a mapping": {
    place: { before: /insert into "mappings"/ },
    make: ({ catalog }) => catalog.mappings.create(mapping),
  },
  "an alert rule": {
    place: { before: /insert into "alert_rules"/ },
    make: ({ catalog }) => catalog.alerts.rules.create(rule),
  },
  "a webhook": {
    place: { before: /insert into "webhooks"/ },
    make: ({ catalog }) => catalog.webhooks.create({ name: "door", project: "shop", tokenHash: "hash" }),
  },
};
for (const [what, { place, make }] of Object.entries(inProject)) {
  test(`a project is not deleted while ${what} is made in it`, async () => {
    const [person, other] = await openStoppable(postgres);
    await person.catalog.projects.create({ name: "shop", description: "" });
    const remove = () => codeOf(other.catalog.projects.delete("shop"));
    const [, removed] = await meet(postgres, person, place, () => make(person), remove);
    expect(removed).toBe("conflict");
    expect(await person.catalog.projects.get("shop")).toBeDefined();
  });

  test(`${what} is not made in a project that is being deleted, unless the project stays`, async () => {
    const [person, other] = await openStoppable(postgres);
    await person.catalog.projects.create({ name: "shop", description: "" });
    const remove = () => person.catalog.projects.delete("shop");
    const deleting = { before: /delete from "projects"/ };
    const [, made] = await meet(postgres, person, deleting, remove, () => codeOf(make(other)));
    // A deploy makes the project that it names.
    expect(made).toBe(what === "a service" ? "done" : "not-found");
    expect((await person.catalog.projects.get("shop"))?.name).toBe(what === "a service" ? "shop" : undefined);
  });
}

test("an alert rule that moves to a project keeps the project", async () => {
  const [person, other] = await openStoppable(postgres);
  await person.catalog.projects.create({ name: "shop", description: "" });
  const { id } = await person.catalog.alerts.rules.create({ ...rule, project: undefined });
  const move = () => person.catalog.alerts.rules.update(id, { project: "shop" });
  const remove = () => codeOf(other.catalog.projects.delete("shop"));
  const [, removed] = await meet(postgres, person, { before: /^update "alert_rules"/ }, move, remove);
  expect(removed).toBe("conflict");
});

test("D17: a link that a person takes over while a deploy removes it stays", async () => {
  const [deployer, person] = await openStoppable(postgres);
  await deployer.deploy("hello", { trigger_events: ["order.paid"] });
  const deploy = () => deployer.deploy("hello", { trigger_events: [] }, { id: "hello-2" });
  const take = () => person.catalog.links.create(paidLink);
  await meet(postgres, deployer, { before: /delete from "links"/ }, deploy, take);
  const { items } = await person.catalog.links.list({ service: "hello" }, { limit: 10 });
  expect(items).toMatchObject([{ eventType: "order.paid", origin: "person" }]);
});

test("D17: a link that a person changes while a version without it is made active again stays", async () => {
  const [deployer, person] = await openStoppable(postgres);
  await deployer.deploy("hello", { trigger_events: [] }, { id: "without" });
  await deployer.deploy("hello", { trigger_events: ["order.paid"] }, { id: "with" });
  const back = () => deployer.catalog.services.update("default", "hello", { activeVersion: "without" as never });
  const take = () => person.catalog.links.create(paidLink);
  await meet(postgres, deployer, { before: /delete from "links"/ }, back, take);
  expect((await person.catalog.links.list({ service: "hello" }, { limit: 10 })).items).toHaveLength(1);
});

test("D17: what two people change of one link at once is changed both", async () => {
  const [person, other] = await openStoppable(postgres);
  await person.deploy("hello", { trigger_events: [] });
  const { link: made } = await person.catalog.links.create(paidLink);
  const update = () => person.catalog.links.update(made.id, { active: false });
  const change = () => other.catalog.links.update(made.id, { filter: "event.data.n > 1" });
  await meet(postgres, person, { before: /^update "links"/ }, update, change);
  expect(await other.catalog.links.get(made.id)).toMatchObject({ active: false, filter: "event.data.n > 1" });
});

test("D17: a link that is deleted while it is changed is gone, and the change is refused or lost", async () => {
  const [person, other] = await openStoppable(postgres);
  await person.deploy("hello", { trigger_events: [] });
  const { link: made } = await person.catalog.links.create(paidLink);
  const change = () => other.catalog.links.update(made.id, { active: false });
  const remove = () => person.catalog.links.delete(made.id);
  await meet(postgres, other, { before: /^update "links"/ }, change, remove);
  expect(await person.catalog.links.get(made.id)).toBeUndefined();
});

test("what two people change of one mapping at once is changed both", async () => {
  const [person, other] = await openStoppable(postgres);
  await person.catalog.projects.create({ name: "shop", description: "" });
  const { mapping: made } = await person.catalog.mappings.create(mapping);
  const update = () => person.catalog.mappings.update(made.id, { active: false });
  const change = () => other.catalog.mappings.update(made.id, { name: "named" });
  await meet(postgres, person, { before: /^update "mappings"/ }, update, change);
  expect(await other.catalog.mappings.get(made.id)).toMatchObject({ active: false, name: "named" });
});

test("what two people change of one webhook at once is changed both", async () => {
  const [person, other] = await openStoppable(postgres);
  const { id } = await person.catalog.webhooks.create({ name: "w", project: undefined, tokenHash: "old" });
  const switchOff = () => person.catalog.webhooks.update(id, { active: false });
  const rotate = () => other.catalog.webhooks.update(id, { tokenHash: "new" });
  await meet(postgres, person, { before: /^commit/ }, switchOff, rotate);
  expect(await other.catalog.webhooks.byTokenHash("new")).toMatchObject({ id, active: false });
});

const changes: Record<string, (person: Scene) => Promise<unknown>> = {
  "a link": async ({ catalog }) => {
    const { items } = await catalog.links.list({ service: "hello" }, { limit: 1 });
    for (const { id } of items) await catalog.links.delete(id);
  },
  "a mapping": async ({ catalog }) => {
    const { items } = await catalog.mappings.list({}, { limit: 1 });
    for (const { id } of items) await catalog.mappings.delete(id);
  },
  "a service": ({ catalog }) => catalog.services.update("default", "hello", { active: false }),
};
for (const [what, change] of Object.entries(changes)) {
  test(`D2: who has taken away ${what} sees all that was routed by it, and nothing more is`, async () => {
    const [router, person] = await openStoppable(postgres);
    await person.deploy();
    await person.catalog.mappings.create({ ...mapping, project: undefined, fromType: "order.placed" });
    const takeAway = async () => {
      await change(person);
      return (await person.catalog.ledger.list({}, { limit: 10 })).items;
    };
    const route = () => router.route(router.event());
    const [, seen] = await meet(postgres, router, { before: /insert into "ledger"/ }, route, takeAway);
    expect(seen).toMatchObject([{ outcome: "matched" }]);
  });
}

test("a snapshot of links is of one moment, whatever is deployed while it is read", async () => {
  const [router, person] = await openStoppable(postgres);
  await person.deploy();
  const deploy = () => person.deploy("second");
  const [{ epoch, links }] = await meet(
    postgres,
    router,
    { after: /from "settings"/ },
    () => router.catalog.links.snapshot(),
    deploy,
  );
  const isNewer = links.length === 2;
  expect(epoch === (await router.catalog.links.epoch())).toBe(isNewer);
});
