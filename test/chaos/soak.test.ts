import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { SeededRandom } from "../simulation/seeded-random.ts";
import { eventually } from "../support/eventually.ts";
import type { ApiClient } from "../support/fx-process.ts";
import { Installation } from "../support/installation.ts";
import { packFiles } from "../support/platform.ts";
import { CutOffNetwork } from "./cut-off.ts";
import { cutNetwork, faults, leaseMs } from "./faults.ts";
import { Traffic } from "./traffic.ts";
import { Witness } from "./witness.ts";

const events = Number(process.env.FX_CHAOS_EVENTS ?? 100_000);
const rounds = Number(process.env.FX_CHAOS_ROUNDS ?? 1);
const seed = Number(process.env.FX_CHAOS_SEED ?? Date.now() % 1_000_000);
const skewMs = 60_000;
const maxLosses = 3;
const skewedClock = fileURLToPath(new URL("./skewed-clock.mjs", import.meta.url));

interface Execution {
  id: string;
  service: string;
  status: string;
  losses: number;
  correlationId: string;
  error: { kind: string; message: string } | null;
}

test(`D1, D2, D4, D7, D8, D13, D15: ${events} events through ${rounds} rounds of all faults (seed ${seed}) are decided once each, and every chain runs`, {
  timeout: 3_600_000,
}, async () => {
  const installation = await Installation.start({
    engines: { postgres: 1, kafka: 3, consul: 1, s3: 1, opensearch: 1 },
    environment: {
      FX_EXECUTOR_LEASE_MS: String(leaseMs),
      FX_EXECUTOR_LEASE_MARGIN_MS: "1500",
      FX_EXECUTOR_KILL_GRACE_MS: "200",
      FX_EXECUTOR_SLOTS: "3",
      FX_LOG_LEVEL: "error",
      FX_DRAIN_MS: "5000",
    },
  });
  const { api } = installation;
  const witness = new Witness(path.join(installation.directory, "witness"));
  await installation.start("manager", "router-1", "router-2", "executor-1", "executor-2", "sink-1");
  const network = await cutOffNetwork(installation);
  await installation.startIn("executor-3", { through: network.through });
  await installation.startIn("executor-4", {
    environment: { NODE_OPTIONS: `--import=${skewedClock}`, FX_CHAOS_SKEW_MS: String(skewMs) },
  });
  await deploy(api, "first", "chain.first", witness.script(30, "chain.second"));
  await deploy(api, "second", "chain.second", witness.script(20, undefined));

  const traffic = new Traffic(api);
  const random = new SeededRandom(seed);
  const all = [...faults, cutNetwork(network)];
  const struck = Array.from({ length: rounds }, () => shuffled([...all], random)).flat();
  const share = Math.ceil(events / struck.length);
  for (const fault of struck) {
    const began = performance.now();
    await Promise.all([fault.strike(installation), traffic.send(share)]);
    console.log(`${fault.name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  const executions = await settled(api);

  expect(traffic.acknowledged.size).toBe(share * struck.length);
  expect(traffic.repeats, "no fault was felt by whoever sends").toBeGreaterThan(0);
  await accountForEvents(api, traffic);
  accountForChains(executions, traffic);
  expect(witness.overlaps()).toEqual([]);
});

async function cutOffNetwork(installation: Installation): Promise<CutOffNetwork> {
  const ports = [...installation.engines.values()].flatMap(({ places }) => places.flatMap((place) => place.ports));
  return CutOffNetwork.open(`fx-${process.pid}`, path.join(installation.directory, "lines"), ports);
}

async function deploy(api: ApiClient, name: string, type: string, script: string): Promise<void> {
  const manifest = JSON.stringify({ trigger_events: [type], on_lost: "retry" });
  const files = { "main.py": script, "manifest.json": manifest };
  await api.request("POST", `/services/default/${name}/versions`, await packFiles(files), "application/gzip");
}

function settled(api: ApiClient): Promise<Execution[]> {
  return eventually(
    async () => {
      const { pending } = await api.request<{ pending: number }>("GET", "/ledger/reconcile");
      const executions = await api.list<Execution>("/executions?");
      const open = executions.filter(({ status }) => status === "pending" || status === "in_progress");
      if (pending > 0 || open.length > 0) throw new Error(`${pending} events and ${open.length} executions are open`);
      // What has just ended may still have told of it to nobody.
      const again = await api.request<{ pending: number }>("GET", "/ledger/reconcile");
      return again.pending === 0 && executions;
    },
    { withinMs: 600_000, everyMs: 1000 },
  );
}

/** Each event that was acknowledged is in the ledger once, and the ledger adds up to what the backbone took. */
async function accountForEvents(api: ApiClient, { acknowledged, chains }: Traffic): Promise<void> {
  interface Entry {
    key: string;
    outcome: string;
    event: { type: string; source: string; id: string };
    links: { matched: boolean }[];
  }
  const ledger = (await api.list<Entry>("/events?")).filter(({ event }) => event.source === "/chaos");
  expect(ledger.length).toBe(acknowledged.size);
  expect(ledger.filter(({ key }) => !acknowledged.has(key))).toEqual([]);
  const matched = ledger.filter(({ outcome }) => outcome === "matched");
  expect(new Set(matched.map(({ event }) => event.id))).toEqual(chains);
  for (const { links } of matched) expect(links.filter(({ matched }) => matched)).toHaveLength(1);
  expect(await api.request("GET", "/ledger/reconcile")).toMatchObject({ balanced: true, pending: 0 });
}

/** Every chain ran its first service once; and its second once, unless its first was lost as often as is allowed. */
function accountForChains(executions: readonly Execution[], { chains }: Traffic): void {
  const of = (name: string) => executions.filter(({ service }) => service === name);
  expect(of("first").length).toBe(chains.size);
  const unfinished = executions.filter(({ status }) => status !== "completed");
  // A script of these never fails by itself.
  for (const { losses, error } of unfinished) {
    expect([losses, error?.kind], JSON.stringify(unfinished)).toEqual([maxLosses, "lost"]);
  }
  const began = new Map(of("first").map((execution) => [execution.correlationId, execution.status]));
  const followed = Map.groupBy(of("second"), ({ correlationId }) => correlationId);
  for (const [flow, status] of began) {
    const runs = followed.get(flow)?.length ?? 0;
    if (status === "completed") expect(runs, flow).toBe(1);
    else expect(runs, flow).toBeLessThanOrEqual(1);
  }
}

function shuffled<Item>(items: Item[], random: SeededRandom): Item[] {
  for (let index = items.length - 1; index > 0; index -= 1) {
    const other = random.between(0, index);
    [items[index], items[other]] = [items[other] as Item, items[index] as Item];
  }
  return items;
}
