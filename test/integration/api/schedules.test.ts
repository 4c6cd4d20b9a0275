import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fx, fxJson } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

interface ScheduleJson {
  service: string;
  paused: boolean;
  next: string[];
  missed: { count: number } | null;
}
interface JobJson {
  id: string;
  executionId: string;
  at: string;
}

const base = "/api/v1/schedules";
const yearly = (more: object = {}) => ({
  "main.py": 'print("ran")\n',
  "manifest.json": JSON.stringify({ schedule: "0 0 1 1 *", ...more }),
});
// What it is told by its first run, the later one is told as well, with the page over it.
const polling = {
  "poll.py": `
from fx_ef import context
p = context.params
print(p.get("order"), p.get("page"))
if p.get("page") is None:
    context.scheduler.retry(minutes=60)
    context.scheduler.retry(minutes=p.get("minutes"), parameters={"page": 2})
`,
  "manifest.json": JSON.stringify({}),
};

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

const get = <Body>(route: string) => platform.request<Body>("GET", `${base}${route}`);
const poll = (data: object) => platform.request("POST", "/api/v1/services/default/poll/run", { json: { data } });

test("schedules are listed by project with their next times; one is shown whole; what is none is not found", async () => {
  await platform.deploy("yearly", yearly());
  await platform.deploy("other", yearly({ timezone: "Europe/Zurich" }), "shop");
  const { body } = await get<{ items: ScheduleJson[] }>("?times=2");
  expect(body.items.map(({ service }) => service)).toEqual(["yearly", "other"]);
  expect(body.items[0]?.next).toEqual([expect.stringMatching(/-01-01T00:00:00/), expect.stringMatching(/-01-01T00:/)]);
  const shop = await get<{ items: ScheduleJson[] }>("?project=shop");
  expect(shop.body.items).toMatchObject([{ service: "other", missed: null, timezone: "Europe/Zurich" }]);
  expect((await get<ScheduleJson>("/default/yearly?times=5")).body.next).toHaveLength(5);
  expect(await get("/default/nobody")).toMatchObject({ status: 404, body: { code: "not-found" } });
  expect(await get("?times=0")).toMatchObject({ status: 400, body: { code: "invalid-input" } });
  const patch = (json: object) => platform.request("PATCH", `${base}/default/nobody`, { json });
  expect(await patch({ paused: true })).toMatchObject({ status: 404 });
  expect(await patch({ paused: 1 })).toMatchObject({ status: 400 });
});

test("D17: a pause outlives a redeploy; run now is one run for one Idempotency-Key, and leaves the next time", async () => {
  await platform.deploy("kept", yearly());
  const set = (paused: boolean) => platform.request("PATCH", `${base}/default/kept`, { json: { paused } });
  expect(await set(true)).toMatchObject({ status: 200, body: { paused: true, next: [] } });
  await platform.deploy("kept", yearly({ description: "again" }));
  expect((await get<ScheduleJson>("/default/kept")).body).toMatchObject({ paused: true, next: [] });
  const { next } = (await set(false)).body as ScheduleJson;
  const run = () => platform.request("POST", `${base}/default/kept/run`, { headers: { "idempotency-key": "once" } });
  const first = await run();
  expect(first.status).toBe(202);
  expect((await run()).body).toEqual(first.body);
  const runs = await platform.settled(1, "&service=default/kept");
  expect(runs).toMatchObject([{ status: "completed", trigger: "manual", eventType: "fx.schedule.fired" }]);
  expect((await get<ScheduleJson>("/default/kept")).body.next).toEqual(next);
  expect(await platform.request("POST", `${base}/default/nobody/run`)).toMatchObject({ status: 404 });
});

test("D18: a later run comes over a restart, once, with the same data and its parameters over it; a second call moved it", async () => {
  await platform.deploy("poll", polling);
  await poll({ order: 7, minutes: 0.05 });
  await platform.settled(1, "&service=default/poll");
  await platform.restart();
  const runs = await platform.settled(2, "&service=default/poll");
  const outputs = await Promise.all(runs.map(({ id }) => platform.outputs(id)));
  expect(outputs.flat().sort()).toEqual(["7 2\n", "7 None\n"]);
  expect(new Set(runs.map(({ correlationId }) => correlationId)).size).toBe(1);
});

test("D18: a job is listed, and never runs once it is cancelled; what is done or unknown cannot be", async () => {
  await poll({ order: 8, minutes: 600 });
  const listed = () => get<{ items: JobJson[] }>("/jobs?service=default/poll");
  const [job] = await eventually(async () => {
    const { body } = await listed();
    expect(body.items).toHaveLength(1);
    return body.items;
  });
  expect((await fx(["schedules", "jobs"], platform)).out).toContain(job?.id);
  const { out, talk } = await fx(["schedules", "cancel", job?.id ?? ""], platform);
  expect([out, talk]).toEqual([expect.stringContaining("cancelled"), expect.stringContaining("fx schedules jobs")]);
  expect((await listed()).body.items).toEqual([]);
  expect(await platform.request("DELETE", `${base}/jobs/${job?.id}`)).toMatchObject({ status: 204 });
  expect(await platform.request("DELETE", `${base}/jobs/none`)).toMatchObject({ status: 404 });
  await inCatalog((catalog) => catalog.prepare("update jobs set at = 1").run());
  await poll({ order: 9, minutes: 0.02 });
  // The other's later run, asked for after it, shows that the scheduler has passed it by.
  const printed = async () =>
    (
      await Promise.all((await platform.executions("&service=default/poll")).map(({ id }) => platform.outputs(id)))
    ).flat();
  await eventually(async () => expect(await printed()).toContain("9 2\n"));
  expect(await printed()).not.toContain("8 2\n");
});

test("after a downtime catch_up none runs nothing, one the latest, all each; what did not run is told", async () => {
  // Half an hour away: none of its times comes by while the test runs.
  const minute = (new Date().getUTCMinutes() + 30) % 60;
  for (const catchUp of ["none", "one", "all"]) {
    await platform.deploy(catchUp, yearly({ schedule: `${minute} * * * *`, catch_up: catchUp }), "down");
  }
  const hour = 3_600_000;
  await inCatalog((catalog) =>
    catalog
      .prepare(
        "update services set schedule_since = schedule_next - ?, schedule_next = schedule_next - ? where project = 'down'",
      )
      .run(6 * hour, 5 * hour),
  );
  const runs = await eventually(async () => {
    const found = await platform.executions("&project=down");
    expect(found.length).toBeGreaterThanOrEqual(6);
    return found.map(({ service }) => service).sort();
  });
  expect(runs.map((service) => service.split("/").at(-1))).toEqual(["all", "all", "all", "all", "all", "one"]);
  const missed = await eventually(async () => {
    const { body } = await get<{ items: ScheduleJson[] }>("?project=down");
    const counts = body.items.map(({ service, missed }) => [service, missed?.count ?? 0]);
    expect(counts).toEqual([
      ["all", 0],
      ["none", 5],
      ["one", 4],
    ]);
    return counts;
  });
  expect(missed).toHaveLength(3);
});

test("fx schedules lists, shows, pauses, resumes and runs, and names the command that helps", async () => {
  expect((await fx(["schedules", "--project", "shop"], platform)).out).toMatch(
    /shop\/other\s+0 0 1 1 \* Europe\/Zurich/,
  );
  const paused = await fx(["schedules", "pause", "shop/other"], platform);
  expect(paused).toMatchObject({ code: 0, out: "shop/other is paused\n" });
  expect(paused.talk).toContain("fx schedules resume shop/other");
  expect((await fx(["schedules", "resume", "other", "--project", "shop"], platform)).out).toContain("runs next at");
  expect(await fxJson(["schedules", "run", "shop/other"], platform)).toMatchObject({ executionId: expect.any(String) });
  expect((await fx(["schedules", "show", "down/one"], platform)).out).toContain("missed:");
  expect(await fx(["schedules", "show", "nobody"], platform)).toMatchObject({
    code: 3,
    talk: expect.stringContaining("default/nobody has no schedule"),
  });
});

/** Writes into the catalog while the platform is down, as only a downtime could. */
function inCatalog(write: (catalog: DatabaseSync) => unknown): Promise<void> {
  return platform.restartAround(async (directory) => {
    const catalog = new DatabaseSync(path.join(directory, "data", "catalog.db"));
    write(catalog);
    catalog.close();
  });
}
