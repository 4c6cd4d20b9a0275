import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MetricNames, MetricSeries } from "../../../src/cli/connection/wire.ts";
import { fx } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start({}, { FX_METRICS_EVERY_MS: "100" });
  await platform.deploy("till", {
    "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: ["sold"] }),
    "main.py": "print('sold')\n",
  });
  await platform.send({ id: "1", type: "sold" }, { id: "2", type: "sold" });
  await platform.settled(2);
});
afterAll(() => platform.stop());

const series = async (query: string) =>
  (await platform.request<MetricSeries>("GET", `/api/v1/metrics/series?${query}`)).body.items;
const onCommandLine = (...words: string[]) => fx(words, { url: platform.url });

describe("what processes measured of themselves", () => {
  test("is kept by name: the process, the backbone, what waits, what was run", async () => {
    const names = await eventually(async () => {
      const { body } = await platform.request<MetricNames>("GET", "/api/v1/metrics");
      return body.items.some(({ name }) => name === "fx_service_steps_total") ? body.items : undefined;
    });
    expect(names.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      "fx_bus_lag_events gauge",
      "fx_events_accepted_total counter",
      "fx_executions_unfinished gauge",
      "fx_executor_attempts gauge",
      "fx_executor_relieved_total counter",
      "fx_executor_slots gauge",
      "fx_http_event_streams gauge",
      "fx_service_busy_seconds_total counter",
      "fx_service_steps_total counter",
      "nodejs_eventloop_lag_p99_seconds gauge",
      "process_cpu_seconds_total counter",
      "process_resident_memory_bytes gauge",
    ]);
  });

  test("is told through time, by the labels that are asked for, and of those that are named", async () => {
    const [memory] = await eventually(async () => {
      const found = await series("name=process_resident_memory_bytes&by=roles,host");
      return found.length > 0 ? found : undefined;
    });
    expect(memory?.labels.roles).toBe("manager,router,executor,sink");
    expect(memory?.points[0]?.value).toBeGreaterThan(1_000_000);
    const unfinished = await series("name=fx_executions_unfinished&by=status");
    expect(unfinished.map(({ labels }) => labels.status)).toEqual(["in_progress", "pending"]);
    expect(await series("name=fx_executions_unfinished&where=status=pending,host=elsewhere")).toEqual([]);
  });

  test("a counter is told as its growth a second, by service", async () => {
    const grown = await eventually(async () => {
      await platform.send({ type: "sold", id: `more-${Date.now()}` });
      const [busy] = await series("name=fx_service_busy_seconds_total&by=service&stepMs=1000");
      return busy?.points.some(({ value }) => value > 0) ? busy : undefined;
    });
    expect(grown).toMatchObject({ kind: "counter", labels: { service: "default/till" } });
  });

  test.each([
    ["name=", "name"],
    ["name=x&where=service", "where"],
    ["name=x&stepMs=10", "stepMs"],
    ["name=x&how=most", "how"],
  ])("%s is refused at its place", async (query, place) => {
    const { status, body } = await platform.request("GET", `/api/v1/metrics/series?${query}`);
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain(place);
  });

  test("fx metrics lists them with what they are now, and one by its labels", async () => {
    await eventually(async () => ((await series("name=fx_executor_slots")).length > 0 ? true : undefined));
    const all = await onCommandLine("metrics");
    expect([all.code, all.talk]).toEqual([0, ""]);
    expect(all.out).toMatch(/process_resident_memory_bytes +\d+\.\d MB/);
    const one = await onCommandLine("metrics", "fx_executor_slots", "--by", "roles");
    expect(one.out).toMatch(/fx_executor_slots +manager,router,executor,sink +\d+/);
    const none = await onCommandLine("metrics", "fx_nothing");
    expect(none.code).toBe(3);
    expect(none.talk).toContain('there is no metric "fx_nothing"');
    expect(none.talk).toContain("fx_executor_slots");
  });
});
