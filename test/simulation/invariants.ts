import type { Catalog } from "../../src/catalog/catalog.ts";
import type { LedgerEntry } from "../../src/catalog/ledger.ts";
import type { Page, PageRequest } from "../../src/catalog/paging.ts";
import { decodeRecord } from "../../src/events/bus-binding.ts";
import type { CloudEvent } from "../../src/events/cloud-event.ts";
import { derivedEventId, differingKeyOf, eventDigestOf, eventKeyOf } from "../../src/events/event-key.ts";
import { decodeStateRecord, stateKey } from "../../src/events/state-record.ts";
import { topics } from "../../src/events/topics.ts";
import { type Execution, isTerminal } from "../../src/executions/execution.ts";
import { canonicalJson, type Json } from "../../src/foundation/json.ts";
import { poisonPrefix, worstPoison } from "./routing-witness.ts";
import type { Told } from "./workload.ts";
import type { World } from "./world.ts";

const routed = [topics.events, topics.platform];

/** Whether nothing is left to do: all routed, nothing unfinished, nothing unsent. */
export async function isAtRest(world: World): Promise<boolean> {
  const { bus, catalog } = world.drivers;
  if ((await catalog.outbox.peek(1)).length > 0) return false;
  if ((await catalog.executions.count({ status: ["pending", "in_progress"] })) > 0) return false;
  if ((await catalog.jobs.nextDue()) !== undefined) return false;
  const positions = new Map(
    (await catalog.routing.positions()).map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]),
  );
  for (const topic of routed) {
    for (const { partition, next } of await bus.offsets(topic)) {
      if ((positions.get(`${topic}/${partition}`) ?? 0) < next) return false;
    }
  }
  return true;
}

/** What must hold while things go wrong, read from the catalog as anybody may at any time. */
export async function checkSafety(world: World): Promise<void> {
  for (const execution of await all((page) => world.drivers.catalog.executions.list({}, page))) {
    noteSkipped(world, execution);
    world.leases.seen(execution.id, execution.status);
  }
}

/** What a full queue skips is told by nobody's answer. */
function noteSkipped({ leases, limits }: World, execution: Execution): void {
  if (execution.status !== "skipped" || execution.reason === undefined) return;
  const { id, project, service } = execution;
  limits.skipped(`${project}/${service}`, id);
  leases.ended(id, "skipped");
}

/** What must hold once the world is healed and at rest. */
export async function checkAtRest(world: World, told: Told): Promise<void> {
  const { catalog } = world.drivers;
  const executions = await all((page) => catalog.executions.list({}, page));
  const ledger = await all((page) => catalog.ledger.list({}, page));
  await checkExecutions(world, executions);
  checkLedger(world, ledger, executions);
  await checkBus(world, told, executions, new Map(ledger.map((entry) => [entry.key as string, entry])));
  await checkState(world);
  checkRuns(world, told, executions, ledger);
  await checkLinks(world, told, catalog);
}

async function checkExecutions(world: World, executions: readonly Execution[]): Promise<void> {
  const { history, leases, options } = world;
  const ids = new Set<string>(executions.map(({ id }) => id));
  if (ids.size !== executions.length) history.violate("list", "an execution is listed twice");
  for (const [id, status] of leases.terminal) {
    if (!ids.has(id) && !options.pruning) history.violate("D13", `execution ${id}, ${status}, is gone`);
  }
  for (const execution of executions) {
    const { id, status } = execution;
    noteSkipped(world, execution);
    if (!isTerminal(status)) history.violate("liveness", `execution ${id} is ${status} for ever`);
    const known = leases.terminal.get(id);
    if (known !== status) history.violate("D6", `execution ${id} is ${status}, and ended as ${known ?? "nothing"}`);
    const alone = await world.drivers.catalog.executions.get(id);
    if (canonicalJson(alone) !== canonicalJson(execution)) history.violate("list", `list and detail differ for ${id}`);
    const open = (await world.drivers.catalog.executions.steps(id)).filter((step) => step.status === "in_progress");
    if (open.length > 0) history.violate("D9", `execution ${id} is ${status}, its step ${open[0]?.n} in progress`);
  }
}

function checkLedger(world: World, ledger: readonly LedgerEntry[], executions: readonly Execution[]): void {
  const { history, routing, options } = world;
  const keys = new Set<string>(ledger.map(({ key }) => key));
  if (keys.size !== ledger.length) history.violate("D2", "an event has two ledger entries");
  const started = Map.groupBy(
    executions.filter(({ trigger, retryOf }) => trigger === "event" && retryOf === undefined),
    ({ eventKey, linkId }) => `${eventKey} ${linkId}`,
  );
  for (const [pair, runs] of started) {
    if (runs.length > 1) history.violate("D2", `one event and link started ${runs.length} executions: ${pair}`);
  }
  const byId = new Map(executions.map((execution) => [execution.id as string, execution]));
  const named = new Set<string>();
  for (const entry of ledger) {
    const decision = routing.decided.get(entry.key);
    if (decision === undefined) history.violate("D2", `the ledger holds ${entry.event.id}, which nobody decided`);
    else if (decision.outcome !== entry.outcome) {
      history.violate("D2", `the ledger says ${entry.outcome} of ${entry.event.id}, decided was ${decision.outcome}`);
    }
    const matched = entry.links.filter((link) => link.matched);
    const mapped = entry.mappings.filter((mapping) => mapping.matched);
    if ((entry.outcome === "matched") !== matched.length + mapped.length > 0) {
      history.violate("D2", `${entry.event.id} is ${entry.outcome} with ${matched.length} links matched`);
    }
    for (const { eventKey } of mapped) {
      if (!routing.mappings.made.has(eventKey ?? "")) history.violate("D2", `nobody made ${eventKey} of ${entry.key}`);
    }
    for (const { executionId } of matched) {
      if (executionId !== undefined) named.add(executionId);
      const execution = byId.get(executionId ?? "");
      if (execution === undefined && !options.pruning) {
        history.violate("D2", `the ledger names an execution of ${entry.event.id} that does not exist`);
      } else if (execution !== undefined && execution.eventKey !== entry.key) {
        history.violate("D2", `execution ${execution.id} is of another event than the ledger says`);
      }
    }
  }
  for (const { id, trigger, retryOf } of executions) {
    if (retryOf === undefined && !named.has(id))
      history.violate("D2", `no ledger entry names the ${trigger} execution ${id}`);
  }
  for (const key of routing.decided.keys()) {
    if (!keys.has(key)) history.violate("D2", `a decided event is not in the ledger: ${key}`);
  }
}

/** Rules D3, D12, D15: every record is decided, counted or set aside, and the sums agree with the offsets. */
async function checkBus(
  world: World,
  told: Told,
  executions: readonly Execution[],
  ledger: ReadonlyMap<string, LedgerEntry>,
): Promise<void> {
  const { history, routing, drivers, effects } = world;
  const { bus, catalog } = drivers;
  const onBus = new Set<string>();
  const unreadable = new Set<string>();
  for (const topic of routed) {
    for (const { partition, earliest, next } of await bus.offsets(topic)) {
      for (const record of await bus.peek(topic, partition, earliest, next - earliest)) {
        const decoded = decodeRecord(record);
        if (!decoded.ok) {
          unreadable.add(`${topic}/${partition}/${record.offset}`);
          continue;
        }
        const key = eventKeyOf(decoded.event);
        onBus.add(key);
        const { id } = decoded.event;
        // One that is rejected for another reason was storable after all.
        const poisoned = id.startsWith(poisonPrefix) && ledger.get(key)?.reason?.startsWith("could not be stored");
        if (id === worstPoison || poisoned) unreadable.add(key);
        if (id !== worstPoison && !ledger.has(key) && !routing.counted.has(key)) {
          history.violate("D2", `event ${decoded.event.type} ${id} on the bus has no outcome`);
        }
        if (topic === topics.events && !id.startsWith(poisonPrefix)) checkContent(world, decoded.event, ledger);
      }
    }
  }
  for (const key of told.acknowledged)
    if (!onBus.has(key)) history.violate("D1", `an acknowledged event is gone: ${key}`);
  for (const key of told.refused)
    if (onBus.has(key)) history.violate("D16", `an event of a refused batch is there: ${key}`);
  for (const [key, { type }] of routing.mappings.made) {
    if (!onBus.has(key)) history.violate("D1", `an event that a mapping made is not on the bus: ${type} ${key}`);
  }
  for (const key of effects.published) if (!onBus.has(key)) history.violate("D9", `a published event is gone: ${key}`);
  let setAside = 0;
  for (const { earliest, next } of await bus.offsets(topics.deadLetter)) setAside += next - earliest;
  if (setAside < unreadable.size) {
    history.violate("D12", `${unreadable.size} records cannot be stored, ${setAside} were set aside`);
  }
  checkLifecycle(world, executions, onBus);
  await checkTotals(world, catalog);
}

/** Rule D10: what was said under the id of another event has an outcome of its own. */
function checkContent({ history, options }: World, event: CloudEvent, ledger: ReadonlyMap<string, LedgerEntry>): void {
  const key = eventKeyOf(event);
  const first = ledger.get(key);
  if (first === undefined || first.stripped || options.pruning) return;
  const digest = eventDigestOf(event);
  if (digest === eventDigestOf(first.event)) return;
  if (ledger.get(differingKeyOf(key, digest))?.outcome === "rejected") return;
  history.violate("D10", `event ${event.id} says something else than the one of that id, and nobody tells of it`);
}

/** Rule D1: what became of an execution was told, under an id that derives from it. */
function checkLifecycle(world: World, executions: readonly Execution[], onBus: ReadonlySet<string>): void {
  for (const { id, project, service, status, attempt } of executions) {
    const source = `/projects/${project}/services/${service}`;
    const told = (type: string, ...occurrence: string[]) =>
      onBus.has(eventKeyOf({ source, id: derivedEventId(id, type, ...occurrence) }));
    if (!told(`fx.execution.${status}`)) world.history.violate("D1", `no event tells that ${id} is ${status}`);
    if (attempt > 0 && !told("fx.execution.started", "1")) {
      world.history.violate("D1", `no event tells that ${id} was started`);
    }
  }
}

async function checkTotals(world: World, catalog: Catalog): Promise<void> {
  const { history, drivers } = world;
  const totals = new Map((await catalog.ledger.totals()).map((total) => [`${total.topic}/${total.partition}`, total]));
  for (const topic of routed) {
    for (const { partition, next } of await drivers.bus.offsets(topic)) {
      if (next === 0) continue;
      const total = totals.get(`${topic}/${partition}`);
      if (total === undefined) {
        history.violate("D15", `partition ${topic}/${partition} was never counted`);
        continue;
      }
      const { fromOffset, toOffset, matched, unmatched, duplicate, rejected, counted } = total;
      const sum = matched + unmatched + duplicate + rejected + counted;
      if (fromOffset !== 0 || toOffset !== next || sum !== next) {
        history.violate("D15", `${topic}/${partition} holds ${next} records; counted: ${canonicalJson(total)}`);
      }
    }
  }
}

/** Rule D11: the configuration store and the newest of the log agree. */
async function checkState(world: World): Promise<void> {
  const { history, drivers, effects } = world;
  const held = new Map<string, { version: number; value: Json }>();
  for await (const { service, key, entry } of drivers.configStore.state.all()) {
    if (!("deleted" in entry)) held.set(stateKey(service, key), entry);
  }
  effects.checkState(held);
  const newest = new Map<string, { version: number; value: Json }>();
  for (const { partition, earliest, next } of await drivers.bus.offsets(topics.state)) {
    for (const { value } of await drivers.bus.peek(topics.state, partition, earliest, next - earliest)) {
      const record = decodeStateRecord(value);
      if (record === undefined || "deleted" in record.entry) continue;
      const name = stateKey(record.owner, record.key);
      if ((newest.get(name)?.version ?? 0) < record.entry.version) newest.set(name, record.entry);
    }
  }
  for (const [name, value] of held) {
    if (canonicalJson(newest.get(name)) !== canonicalJson(value)) {
      history.violate(
        "D11",
        `state ${name} is ${canonicalJson(value)}, the log says ${canonicalJson(newest.get(name))}`,
      );
    }
  }
}

/** Rules D17 and D18: one run for one idempotency key, and one for each tick of a schedule. */
function checkRuns(world: World, told: Told, executions: readonly Execution[], ledger: readonly LedgerEntry[]): void {
  const { history, options } = world;
  const first = executions.filter(({ trigger, retryOf }) => trigger !== "event" && retryOf === undefined);
  const byKey = Map.groupBy(first, ({ eventKey }) => eventKey as string);
  for (const [key, runs] of byKey) {
    if (runs.length > 1) history.violate("D17", `one request started ${runs.length} executions: ${key}`);
  }
  const ticks = ledger.filter(({ event, outcome }) => event.type === "fx.schedule.fired" && outcome === "matched");
  for (const [tick, entries] of Map.groupBy(ticks, ({ event }) => `${event.subject} at ${event.time}`)) {
    if (entries.length > 1) history.violate("D18", `schedule ${tick} fired ${entries.length} times`);
  }
  for (const [key, executionId] of told.runs) {
    const [run] = byKey.get(key) ?? [];
    if (run === undefined ? !options.pruning : run.id !== executionId) {
      history.violate("D17", `the run ${executionId}, answered to a request, is not there`);
    }
  }
}

async function checkLinks(world: World, told: Told, catalog: Catalog): Promise<void> {
  const links = await all((page) => catalog.links.list({}, page));
  for (const { id, service, eventType, origin } of links) {
    if (told.removedLinks.has(id) && origin === "manifest") {
      world.history.violate("D17", `the link of ${service} on ${eventType}, removed by a person, is there again`);
    }
  }
}

async function all<Item>(read: (page: PageRequest) => Promise<Page<Item>>): Promise<Item[]> {
  const items: Item[] = [];
  for (let after: string | undefined; ; ) {
    const page = await read({ limit: 100, after });
    items.push(...page.items);
    if (page.next === undefined) return items;
    after = page.next;
  }
}
