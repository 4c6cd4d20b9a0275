import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { Kysely } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import type { Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { postgresDialect, postgresTraits } from "../../../src/catalog/dialects/postgres.ts";
import { openPool, translatingPool } from "../../../src/catalog/dialects/postgres-connection.ts";
import { holdServices } from "../../../src/catalog/kysely/locks.ts";
import type { StoreContext } from "../../../src/catalog/kysely/store-context.ts";
import type { Tables } from "../../../src/catalog/kysely/tables.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { eventually } from "../../support/eventually.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { openScenes } from "../../support/postgres-scenes.ts";

const postgres = postgresForFile();

/** A router's process that stands still in the transaction in which it routes `events`, the first of partition 0. */
async function startStandingRouter(scene: Scene, events: readonly CloudEvent[]) {
  const given = { url: postgres.sharedUrl(), now: scene.clock.now(), events, signal: "SIGSTOP" };
  const program = fileURLToPath(new URL("late-router.ts", import.meta.url));
  const router = spawn(process.execPath, [program, JSON.stringify(given)], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void router.kill("SIGKILL"));
  const said = sayingsOf(router);
  await eventually(() => said().includes("read"));
  router.stdin?.write("route\n");
  // Not before: between two of its statements it is idle for a moment as well.
  await eventually(() => /^State:\s+T/m.test(readFileSync(`/proc/${router.pid}/status`, "utf8")));
  await eventually(async () => expect(await waiting("idle in transaction")).toBe(1));
  return { router, said };
}

function sayingsOf({ stdout }: ChildProcess): () => string {
  let said = "";
  stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return () => said;
}

async function waiting(state: string): Promise<number> {
  const [row] = await postgres.query<{ count: string }>(
    `select count(*) from pg_stat_activity where state = '${state}' and application_name = 'streamzero-fx catalog'`,
  );
  return Number(row?.count);
}

test("D2: a router that stands still within its transaction holds the others up for a moment, and what it had begun is undone", async () => {
  const [scene] = await openScenes(postgres, 1);
  await scene.deploy();
  const events = Array.from({ length: 5 }, () => scene.event());
  const { router, said } = await startStandingRouter(scene, events);
  const incoming = events.map((event, offset) => scene.incoming(event, { partition: 0, offset }));
  // Its locks are gone before a statement's time is over, or this would be refused.
  expect(await scene.routeBatch(scene.batch(incoming))).toMatchObject({ matched: 5, executions: 5 });
  router.kill("SIGCONT");
  const [code] = await once(router, "exit");
  expect(code).toBe(0);
  expect(said()).toContain("undone");
  expect(JSON.parse(said().trim().split("\n").at(-1) ?? "")).toMatchObject({ matched: 0, executions: 0 });
  expect(await scene.catalog.executions.count({})).toBe(5);
});

test("D8: outcomes that wait for a service held by a process that says nothing more are stored within their lease", async () => {
  const [scene] = await openScenes(postgres, 1);
  await scene.deploy();
  await scene.route(scene.event());
  const claimed = await scene.claimOne();
  const pool = openPool({ url: postgres.sharedUrl(), connections: 1, statementMs: undefined });
  const db = new Kysely<Tables>({ dialect: postgresDialect(pool) });
  onTestFinished(() => db.destroy());
  const holding = Promise.withResolvers<void>();
  const silence = Promise.withResolvers<void>();
  const silent = db.transaction().execute(async (tx) => {
    await holdServices({ traits: postgresTraits } as StoreContext, tx, [claimed.execution]);
    holding.resolve();
    await silence.promise;
    await tx.selectFrom("executions").selectAll().execute();
  });
  silent.catch(() => {});
  await holding.promise;
  expect(await scene.finish(claimed, { kind: "completed" })).toBe(true);
  silence.resolve();
  await expect(silent).rejects.toMatchObject({ code: "unavailable" });
});

/** A way to the server that can be cut: what is sent then arrives nowhere, and no connection is closed. */
async function openLine(url: string) {
  const sockets: Socket[] = [];
  const { hostname, port } = new URL(url);
  const line = createServer((inner) => {
    const outer = connect({ host: hostname, port: Number(port) });
    sockets.push(inner, outer);
    for (const socket of [inner, outer]) socket.on("error", () => {});
    inner.pipe(outer).pipe(inner);
  });
  line.listen(0, "127.0.0.1");
  await once(line, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    line.close();
  });
  const through = new URL(url);
  through.host = `127.0.0.1:${(line.address() as AddressInfo).port}`;
  const cut = () => {
    for (const socket of sockets) socket.unpipe().pause();
  };
  return { url: through.href, cut };
}

test("who is cut off from the server waits for one answer only: to undo the transaction it waits no longer", async () => {
  await openScenes(postgres, 1);
  const { url, cut } = await openLine(postgres.sharedUrl());
  const pool = openPool({ url, connections: 1, statementMs: 100 });
  onTestFinished(() => pool.end());
  const client = await translatingPool(pool).connect();
  await client.query("begin", []);
  cut();
  await expect(client.query("select 1", [])).rejects.toMatchObject({ code: "unavailable" });
  const askedAt = performance.now();
  await expect(client.query("rollback", [])).rejects.toMatchObject({ code: "unavailable" });
  // As long again would be the time of a statement and two seconds.
  expect(performance.now() - askedAt).toBeLessThan(2000);
  client.release();
});
