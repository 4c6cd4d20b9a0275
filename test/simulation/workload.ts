import type { Bus } from "../../src/bus/bus.ts";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { encodeRecord } from "../../src/events/bus-binding.ts";
import type { CloudEvent } from "../../src/events/cloud-event.ts";
import { eventKeyOf } from "../../src/events/event-key.ts";
import { readHttpEvents } from "../../src/events/http-binding.ts";
import { runRequestedEvent } from "../../src/events/platform-events.ts";
import { topics } from "../../src/events/topics.ts";
import { lanes } from "../../src/executions/lanes.ts";
import { isPlatformError, messageOf, PlatformError } from "../../src/foundation/errors.ts";
import { createIds, type ExecutionId, type Ids } from "../../src/foundation/ids.ts";
import { EventIntake } from "../../src/manager/api/event-intake.ts";
import { concurrencyKeyFor } from "../../src/services/concurrency-key.ts";
import { changeMapping, createMapping, createMappings } from "./drawn-mappings.ts";
import { deployService, eventTypes, lifecycleTypes, projects } from "./drawn-services.ts";
import { filters } from "./reference-matching.ts";
import { poisonPrefix } from "./routing-witness.ts";
import { Domain } from "./scheduler.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { World } from "./world.ts";

/** What the clients of a world did and were told. */
export interface Told {
  /** Keys of events whose senders were told that they are durable. */
  acknowledged: Set<string>;
  /** Keys of events that were sent in a batch with one that must be refused: none of them may arrive (rule D16). */
  refused: Set<string>;
  /** Executions that run requests were answered with, by event key. */
  runs: Map<string, string>;
  /** Links that a person removed and nobody made again: service and type (rule D17). */
  removedLinks: Set<string>;
}

interface Client {
  world: World;
  random: SeededRandom;
  ids: Ids;
  bus: Bus;
  catalog: Catalog;
  told: Told;
}

/** The people and programs outside: each operation is a call with its own faults, and may fail. */
export class Workload {
  readonly told: Told = { acknowledged: new Set(), refused: new Set(), runs: new Map(), removedLinks: new Set() };
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #ids: Ids;
  readonly #outside = new Domain("outside");

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#ids = createIds(world.scheduler.clockOf(this.#outside), world.random.fork());
  }

  /** The first services, without faults: a world in which nothing is deployed proves nothing. */
  async begin(): Promise<void> {
    const { catalog } = this.#world.drivers;
    await catalog.projects.create({ name: "other", description: "" });
    const services = this.#random.between(2, 5);
    for (let n = 0; n < services; n += 1) await deployService(this.#world, catalog, this.#random, n);
    await createMappings(catalog, this.#random);
  }

  /** Spreads the operations over the world's time. */
  async play(): Promise<void> {
    const { operations, durationMs } = this.#world.options;
    const times = Array.from({ length: operations }, () => this.#random.fraction() * durationMs).sort((a, b) => a - b);
    for (const at of times) {
      await this.#world.scheduler.sleep(this.#outside, at - this.#world.scheduler.nowMs);
      void this.#operate(this.#random.pick(operations_));
    }
  }

  async #operate({ name, run }: Operation): Promise<void> {
    const { history, scheduler } = this.#world;
    const { bus, catalog } = this.#world.portsFor(this.#outside);
    history.operations += 1;
    history.trace(scheduler.nowMs, "outside", name);
    try {
      await run({
        world: this.#world,
        random: this.#random,
        ids: this.#ids,
        bus: bus.bus,
        catalog,
        told: this.told,
      });
      history.succeeded += 1;
    } catch (error) {
      // Refusals such as "already ended" are answers, too; anything else that is not ours is a bug.
      if (!isPlatformError(error)) history.violate("errors", `${name} met ${messageOf(error)}`);
      else if (!error.retryable && error.code !== "unavailable") history.succeeded += 1;
      history.trace(scheduler.nowMs, "outside", `${name} failed: ${messageOf(error)}`);
    }
  }
}

interface Operation {
  name: string;
  run(client: Client): Promise<void>;
}

const weighted: readonly [weight: number, Operation][] = [
  [30, { name: "send", run: sendEvent }],
  [4, { name: "send a burst", run: sendBurst }],
  [4, { name: "send a batch with one that is wrong", run: sendWrongBatch }],
  [3, { name: "publish a reserved type", run: publishReserved }],
  [2, { name: "forge a run request", run: forgeRunRequest }],
  [3, { name: "publish what is no event", run: publishGarbage }],
  [2, { name: "send poison", run: sendPoison }],
  [7, { name: "run", run: requestRun }],
  [
    4,
    {
      name: "deploy",
      run: (client) => deployService(client.world, client.catalog, client.random, client.random.below(6)),
    },
  ],
  [5, { name: "link", run: createLink }],
  [5, { name: "change a link", run: changeLink }],
  [4, { name: "map", run: createMapping }],
  [3, { name: "change a mapping", run: changeMapping }],
  [2, { name: "forge a mapped event", run: forgeMapped }],
  [3, { name: "change a service", run: changeService }],
  [1, { name: "delete a service", run: deleteService }],
  [
    4,
    {
      name: "cancel",
      run: (client) => act(client, ["pending", "in_progress"], ({ catalog }, id) => catalog.executions.cancel(id)),
    },
  ],
  [
    4,
    {
      name: "skip",
      run: (client) => act(client, ["pending", "completed"], ({ catalog }, id) => catalog.executions.skip(id)),
    },
  ],
  [3, { name: "move", run: move }],
  [4, { name: "retry", run: retry }],
  [4, { name: "prune", run: prune }],
];
const operations_: readonly Operation[] = weighted.flatMap(([weight, operation]) =>
  Array<Operation>(weight).fill(operation),
);

async function sendEvent(client: Client): Promise<void> {
  const { random } = client;
  // Few ids, so that the same one comes again: with the same data, and with other data.
  await post(client, [
    {
      specversion: "1.0",
      id: `e${random.below(25)}`,
      source: "/outside",
      type: random.pick(eventTypes),
      data: { n: random.below(3) },
      ...(random.chance(0.3) ? { correlationid: `flow-${random.below(3)}` } : {}),
      ...(random.chance(0.2) ? { partitionkey: `key-${random.below(3)}` } : {}),
      ...(random.chance(0.3) ? { fxproject: random.pick(projects) } : {}),
    },
  ]);
}

async function sendBurst(client: Client): Promise<void> {
  const { random } = client;
  const burst = Array.from({ length: random.between(3, 8) }, (_, n): CloudEvent => {
    const type = random.pick(eventTypes);
    return { specversion: "1.0", id: client.ids.next(), source: "/burst", type, data: { n }, correlationid: "burst" };
  });
  if (random.chance(0.5)) await post(client, burst);
  else await Promise.all(burst.map((event) => post(client, [event])));
}

async function sendWrongBatch(client: Client): Promise<void> {
  const { random, world, told } = client;
  const wrong = random.pick([
    { type: "fx.execution.completed" },
    { type: "" },
    { id: "nul\u0000" },
    { fxexecution: "made-up" },
    { fxproject: "nobody" },
  ]);
  const batch = Array.from({ length: 3 }, (_, n): CloudEvent => {
    const event = { specversion: "1.0" as const, id: client.ids.next(), source: "/batch", type: "a.one", data: { n } };
    return n === 1 ? { ...event, ...wrong } : event;
  });
  for (const event of batch) told.refused.add(eventKeyOf(event));
  await post(client, batch);
  world.history.violate("D16", `a batch was accepted with an event that has ${JSON.stringify(wrong)}`);
}

/** As the API takes it: the request's bytes read by the binding, and what is good handed to the intake. */
async function post(client: Client, events: readonly CloudEvent[]): Promise<void> {
  const { world, bus, catalog, told } = client;
  const batched = events.length > 1;
  const reading = readHttpEvents({
    headers: { "content-type": batched ? "application/cloudevents-batch+json" : "application/cloudevents+json" },
    body: Buffer.from(JSON.stringify(batched ? events : events[0])),
    maxEvents: 100,
  });
  if (!reading.ok) throw new PlatformError("invalid-input", reading.message);
  const clock = world.scheduler.clockOf(new Domain("api"));
  const intake = new EventIntake({ bus, catalog, clock, limits: { eventBytes: 100_000 } });
  for (const { key } of await intake.accept(reading.events)) told.acknowledged.add(key);
}

/** Past the API, as somebody with access to the bus could. */
function publishReserved(client: Client): Promise<void> {
  const type = client.random.pick(["fx.execution.completed", "fx.service.run_requested", "fx.anything"]);
  return publish(client, topics.events, {
    specversion: "1.0",
    id: client.ids.next(),
    source: "/outside",
    type,
    data: {},
  });
}

/** On the platform's own topic, as somebody with access to the bus could. */
function forgeRunRequest(client: Client): Promise<void> {
  return publish(
    client,
    topics.platform,
    runRequestedEvent({
      project: "default",
      service: "s0",
      id: client.ids.next(),
      correlationId: "forged",
      data: {},
      now: client.world.databaseNow(),
    }),
  );
}

async function publishGarbage({ bus, random, world }: Client): Promise<void> {
  const value = random.pick([
    Buffer.from([0, 255, 1]),
    Buffer.from("{"),
    Buffer.from(JSON.stringify({ specversion: "1.0", id: "nul\u0000", source: "/x", type: "a.one" })),
    Buffer.alloc(0),
  ]);
  const topic = random.pick([topics.events, topics.platform]);
  await bus.publish([
    { topic, key: `k${random.below(4)}`, value, headers: { "content-type": "application/cloudevents+json" } },
  ]);
  world.history.reach("a record held no event");
}

function sendPoison(client: Client): Promise<void> {
  const id = `${poisonPrefix}${client.random.below(3)}`;
  return publish(client, topics.events, { specversion: "1.0", id, source: "/outside", type: "a.one", data: { n: 1 } });
}

async function publish({ bus, told }: Client, topic: string, event: CloudEvent): Promise<void> {
  await bus.publish([encodeRecord(topic, event)]);
  told.acknowledged.add(eventKeyOf(event));
}

async function requestRun(client: Client): Promise<void> {
  const { world, random, catalog, bus, ids, told } = client;
  const service = await anyService(client);
  const version = service?.activeVersion;
  if (service === undefined || version === undefined) return;
  const { project, name, priority } = service;
  const id = random.chance(0.5) ? `idempotent-${random.below(3)}` : ids.next();
  const event = runRequestedEvent({
    project,
    service: name,
    id,
    correlationId: ids.next(),
    data: { n: random.below(3) },
    now: world.databaseNow(),
  });
  const key = eventKeyOf(event);
  const expression = world.versions.get(version)?.manifest.concurrency_key;
  const { executionId } = await catalog.runRequests.request({
    id: ids.next() as ExecutionId,
    key,
    event,
    trigger: "manual",
    project,
    service: name,
    version,
    priority,
    concurrencyKey: concurrencyKeyFor({ project, name }, expression, event),
  });
  const before = told.runs.get(key);
  if (before !== undefined && before !== executionId) {
    world.history.violate("D17", `one idempotency key started ${before} and ${executionId}`);
  }
  told.runs.set(key, executionId);
  bus.signal("dispatch");
  bus.signal("outbox");
}

async function createLink(client: Client): Promise<void> {
  const { random, catalog, world, told } = client;
  const service = await anyService(client);
  if (service === undefined) return;
  const versions = [...world.versions.values()].filter(
    ({ project, name }) => project === service.project && name === service.name,
  );
  const eventType = random.pick(random.chance(0.1) ? lifecycleTypes : [...eventTypes, "a.*", "b.*"]);
  const { link } = await catalog.links.create({
    project: service.project,
    service: service.name,
    version: random.chance(0.6) || versions.length === 0 ? "active" : random.pick(versions).id,
    eventType,
    filter: random.chance(0.3) ? random.pick(Object.keys(filters)) : undefined,
    active: random.chance(0.9),
  });
  told.removedLinks.delete(link.id);
}

async function changeLink(client: Client): Promise<void> {
  const { random, catalog, told, world } = client;
  const { items } = await world.drivers.catalog.links.list({}, { limit: 1000 });
  if (items.length === 0) return;
  const { id, active } = random.pick(items);
  const dice = random.fraction();
  if (dice < 0.4) await catalog.links.update(id, { active: !active });
  else if (dice < 0.6) await catalog.links.update(id, { filter: random.pick([null, ...Object.keys(filters)]) });
  else {
    await catalog.links.delete(id);
    told.removedLinks.add(id);
  }
}

/** Past the API: an outsider that gives itself a new flow, and the mark that ends the news of its runs. */
function forgeMapped(client: Client): Promise<void> {
  const { ids, random } = client;
  return publish(client, topics.events, {
    specversion: "1.0",
    id: ids.next(),
    source: "/outside",
    type: random.pick(eventTypes),
    fxmapping: "forged",
    fxrootflow: ids.next(),
    ...(random.chance(0.5) ? { fxlifecycle: true } : {}),
  });
}

async function changeService(client: Client): Promise<void> {
  const { random, catalog, world } = client;
  const service = await anyService(client);
  if (service === undefined) return;
  const { project, name } = service;
  const versions = [...world.versions.values()].filter(
    (version) => version.project === project && version.name === name,
  );
  await catalog.services.update(
    project,
    name,
    random.pick([
      { active: random.chance(0.7) },
      { priority: random.between(1, 10) },
      ...(versions.length > 0 ? [{ activeVersion: random.pick(versions).id }] : []),
    ]),
  );
}

async function deleteService(client: Client): Promise<void> {
  const service = await anyService(client);
  if (service) await client.catalog.services.delete(service.project, service.name);
}

async function act(
  client: Client,
  status: readonly ("pending" | "in_progress" | "completed" | "failed")[],
  action: (client: Client, id: ExecutionId) => Promise<unknown>,
): Promise<void> {
  const { items } = await client.world.drivers.catalog.executions.list({ status }, { limit: 20 });
  if (items.length === 0) return;
  await action(client, client.random.pick(items).id);
  for (const channel of ["cancel", "dispatch", "outbox"] as const) client.bus.signal(channel);
}

function move(client: Client): Promise<void> {
  return act(client, ["pending"], ({ catalog, random }, id) => catalog.executions.move(id, random.pick(lanes)));
}

function retry(client: Client): Promise<void> {
  return act(client, ["completed", "failed"], ({ catalog, ids, random }, id) =>
    catalog.executions.retry(id, { newId: ids.next() as ExecutionId, version: random.pick(["same", "active"]) }),
  );
}

/** Hours of keeping shrunk to a second, except for what says which events are known. */
async function prune({ catalog, world }: Client): Promise<void> {
  if (!world.options.pruning) return;
  await catalog.retention.prune({ ledgerMs: 1e12, bodiesMs: 1000, executionsMs: 1000 }, 100);
}

async function anyService({ world, random }: Client) {
  const { items } = await world.drivers.catalog.services.list({}, { limit: 100 });
  if (items.length === 0) throw new PlatformError("not-found", "no service is deployed");
  return random.pick(items);
}
