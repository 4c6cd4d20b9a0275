import { expect, test } from "vitest";
import { day, exitError, type Scene } from "../../../src/catalog/contract/scene.contract.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import type { ReplayId } from "../../../src/foundation/ids.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { meet, openStoppable } from "../../support/postgres-stops.ts";

const postgres = postgresForFile();

const replayId = "replay-1" as ReplayId;
const committing = { before: /^commit/ };
const data = { n: 1 };

/** An event that the ledger has forgotten, and whose ended run goes with the next pruning. */
async function almostForgotten(scene: Scene): Promise<CloudEvent> {
  await scene.deploy();
  const { event } = await scene.start({ data });
  await scene.finish(await scene.claimOne(), { kind: "completed" });
  scene.clock.advance(1.5 * day);
  await scene.catalog.retention.prune(ages, 10);
  scene.clock.advance(day);
  return event;
}
const ages = { ledgerMs: day, bodiesMs: 10 * day, executionsMs: 2 * day };

async function expectRunWithData(scene: Scene): Promise<void> {
  const { body } = await scene.claimOne();
  expect(JSON.parse(Buffer.from(body).toString())).toMatchObject({ data });
}

test("D13: an event that is routed again while its last run is forgotten keeps its data for the runs that it starts", async () => {
  const [keeper, router] = await openStoppable(postgres);
  const event = await almostForgotten(keeper);
  await keeper.deploy("newer");
  const route = () => router.route(event);
  const prune = () => keeper.catalog.retention.prune(ages, 10);
  const [{ executions }] = await meet(postgres, router, committing, route, prune);
  expect(executions).toBe(1);
  await expectRunWithData(router);
});

test("D13: a run that is asked for by an event whose last run is forgotten has the event's data", async () => {
  const [keeper, person] = await openStoppable(postgres);
  const event = await almostForgotten(keeper);
  const request = () => person.catalog.runRequests.request(person.runRequest(event));
  const prune = () => keeper.catalog.retention.prune(ages, 10);
  const [{ created }] = await meet(postgres, person, committing, request, prune);
  expect(created).toBe(true);
  await expectRunWithData(person);
});

/** A failed run whose event's data goes with the next pruning. */
async function almostStripped(scene: Scene) {
  await scene.deploy();
  const { id, event } = await scene.start({ data });
  await scene.finish(await scene.claimOne(), { kind: "failed", error: exitError, retryInMs: undefined });
  scene.clock.advance(2 * day);
  return { id, event, strippedAfter: { ledgerMs: 30 * day, bodiesMs: day, executionsMs: 30 * day } };
}

test("D13: a run that is retried while its event loses its data has it", async () => {
  const [keeper, person] = await openStoppable(postgres);
  const { id, strippedAfter } = await almostStripped(keeper);
  const retry = () => person.catalog.executions.retry(id, { newId: person.newExecutionId(), version: "same" });
  await meet(postgres, person, committing, retry, () => keeper.catalog.retention.prune(strippedAfter, 10));
  await expectRunWithData(person);
});

test("D13: a flow that is replayed while its event loses its data has it", async () => {
  const [keeper, person] = await openStoppable(postgres);
  const { event, strippedAfter } = await almostStripped(keeper);
  const correlationId = event.correlationid as string;
  const replay = () => person.catalog.replays.create({ id: replayId, correlationId, versions: {} });
  await meet(postgres, person, committing, replay, () => keeper.catalog.retention.prune(strippedAfter, 10));
  await expectRunWithData(person);
});

test("a replay that is asked for while one of its name is deleted is there with its runs", async () => {
  const [person, other] = await openStoppable(postgres);
  const { event } = await almostStripped(person);
  const correlationId = event.correlationid as string;
  const remove = () => other.catalog.replays.delete(replayId).catch(({ code }) => code as string);
  const create = () => person.catalog.replays.create({ id: replayId, correlationId, versions: {} });
  const [removed] = await meet(postgres, other, { after: /replay_id is not null/ }, remove, create);
  expect(removed).toBe("not-found");
  expect(await person.catalog.replays.get(replayId)).toMatchObject({ executions: 1 });
});
