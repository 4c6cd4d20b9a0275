import pg from "pg";
import { expect, test } from "vitest";
import { killServer, runs, type Servers, startServer, stopServers } from "../../engines/servers.ts";
import { ownServers } from "../support/engines.ts";

test("a server that was killed has its data when it is started again, at the same address", async () => {
  const servers = await ownServers("postgres");
  await query(servers, "create table kept as select 17 as value");
  await killServer(servers, 0);
  expect(runs(servers, 0)).toBe(false);
  await expect(query(servers, "select 1")).rejects.toThrow("ECONNREFUSED");
  await startServer(servers, 0);
  expect(await query(servers, "select value from kept")).toEqual([{ value: 17 }]);
});

test("to start what runs already changes nothing, and what is stopped is gone", async () => {
  const servers = await ownServers("postgres");
  const before = servers.processes[0];
  await startServer(servers, 0);
  expect(servers.processes[0]).toEqual(before);
  await stopServers(servers);
  expect(runs(servers, 0)).toBe(false);
});

async function query({ engine, places }: Servers, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: engine.environment(places).FX_CATALOG_URL });
  try {
    await client.connect();
    return (await client.query(text)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}
