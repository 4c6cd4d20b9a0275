import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished } from "vitest";
import { openSqliteBus } from "../../src/bus/sqlite.ts";
import { encodeRecord } from "../../src/events/bus-binding.ts";
import type { CloudEvent } from "../../src/events/cloud-event.ts";
import { eventKeyOf } from "../../src/events/event-key.ts";
import { topics } from "../../src/events/topics.ts";
import { systemClock } from "../../src/foundation/clock.ts";
import { silentLog } from "../../src/foundation/log.ts";
import { eventually } from "./eventually.ts";
import { ApiClient, FxProcess } from "./fx-process.ts";
import { packFiles } from "./platform.ts";
import { tempDir } from "./temp-dir.ts";

export const livedToken = "the-token-of-a-lived-installation";

const counter = `
from fx_ef import context
seen = context.state.get().get("seen", 0) + 1
context.state.put("seen", seen)
print("counted", context.params["n"], context.config.get("greeting"), context.secrets.get("pin") == "geheim-1234", flush=True)
context.events.send("order.counted", {"n": context.params["n"]})
`;
const tally = `
import { context } from "@streamzero/fx";
console.log("tallied", context.params.get("n"));
`;
/** Neither ends before the sign is given. */
const again = (sign: string) => `
import os
if not os.path.exists("${sign}"): raise SystemExit("not yet")
print("ran at last")
`;
const slow = (sign: string) => `
import os, time
while not os.path.exists("${sign}"): time.sleep(0.1)
print("ran to its end")
`;

interface Execution {
  id: string;
  service: string;
  status: string;
  attempt: number;
  losses: number;
  eventKey: string;
}

const event = (id: string, type: string, data: object = {}): CloudEvent =>
  ({ specversion: "1.0", id, source: "/lived", type, data }) as CloudEvent;
const events = 10;
const dataOf = (n: number) => (n === 0 ? { n, remark: `${"hay ".repeat(500)}needle` } : { n });

/**
 * An embedded installation that has done a bit of everything and was then killed: a run of it was under way, another waits for
 * its retry, an event was accepted and not routed, and so was a record that holds none.
 */
export class LivedInstallation {
  /** Its data directory. */
  readonly data: string;
  readonly #directory: string;
  readonly #sign: string;
  readonly #process: FxProcess;
  #hook = "";

  private constructor(environment: Readonly<Record<string, string>>) {
    this.#directory = tempDir();
    this.#sign = path.join(this.#directory, "go-on");
    this.data = path.join(this.#directory, ".fx");
    this.#process = new FxProcess({ command: "start", directory: this.#directory, token: livedToken, environment });
    onTestFinished(() => this.#process.end("SIGKILL").then(() => {}));
  }

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<LivedInstallation> {
    const lived = new LivedInstallation({ FX_LOG_LEVEL: "warn", ...environment });
    lived.#process.start();
    await lived.#process.ready();
    await lived.#live(new ApiClient(() => lived.#process.url, livedToken));
    return lived;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Ends it in the middle of a run, with things left to do. */
  async kill(): Promise<void> {
    await this.#process.end("SIGKILL");
    const bus = openSqliteBus({ path: path.join(this.data, "bus.db"), clock: systemClock, log: silentLog });
    await bus.publish([
      encodeRecord(topics.events, event("unrouted", "order.placed", { n: events })),
      { topic: topics.events, key: "", value: Buffer.from("no event") },
    ]);
    await bus.close();
  }

  /** What waits may end from now on. */
  goOn(): void {
    writeFileSync(this.#sign, "", { mode: 0o644 });
  }

  async #live(api: ApiClient): Promise<void> {
    await api.request("POST", "/projects", JSON.stringify({ name: "shop" }), "application/json");
    for (const [name, manifest, script, source] of [
      ["counter", { trigger_events: ["order.placed"], concurrency: 1 }, "main.py", counter],
      ["tally", { trigger_events: ["order.counted"] }, "main.ts", tally],
      [
        "again",
        { trigger_events: ["order.checked"], retries: { count: 50, delay: 1, factor: 1 } },
        "main.py",
        again(this.#sign),
      ],
      ["slow", { trigger_events: ["order.slow"] }, "main.py", slow(this.#sign)],
      ["yearly", { schedule: "0 3 29 2 *" }, "main.py", "print('leap')\n"],
    ] as const) {
      const files = { [script]: source, "manifest.json": JSON.stringify(manifest) };
      await api.request("POST", `/services/default/${name}/versions`, await packFiles(files), "application/gzip");
    }
    const put = (route: string, body: unknown) => api.request("PUT", route, JSON.stringify(body), "application/json");
    const post = (route: string, body: unknown) => api.request("POST", route, JSON.stringify(body), "application/json");
    for (const greeting of ["hallo", "hello"]) await put("/config/service/default/counter/greeting", greeting);
    await put("/secrets?scope=project:default&name=pin", { value: "geheim-1234" });
    await post("/mappings", { fromType: "order.placed", toType: "bill.due", strategy: "all" });
    await post("/alerts/rules", { name: "quiet", condition: { kind: "silence", type: "order.placed", for: 86_400 } });
    this.#hook = ((await post("/webhooks", { name: "door" })) as { path: string }).path;
    // Of the first, history alone would not tell the end.
    for (let n = 0; n < events; n += 1) await send(api, event(`e-${n}`, "order.placed", dataOf(n)));
    await send(api, event("checked", "order.checked"));
    await send(api, event("slow", "order.slow"));
    await eventually(
      async () => {
        const all = await api.list<Execution>("/executions?");
        const ended = all.filter(({ status }) => status === "completed");
        const waiting = all.find(({ service }) => service === "again");
        const running = all.find(({ service }) => service === "slow");
        return ended.length === 2 * events && (waiting?.attempt ?? 0) > 0 && running?.status === "in_progress";
      },
      { withinMs: 90_000, everyMs: 100 },
    );
    await eventually(async () => (await linesOf(api, "counted")).length === events);
  }

  /** What it has to be and to do wherever it was copied to. `api` and `url` are of the platform there. */
  async requireWhole(api: ApiClient, url: string): Promise<void> {
    this.goOn();
    const unrouted = eventKeyOf(event("unrouted", ""));
    expect(await api.request("GET", `/events/${unrouted}?wait=20000`)).toMatchObject({ outcome: "matched" });
    const all = await eventually(
      async () => {
        const found = await api.list<Execution>("/executions?");
        expect(found.filter(({ status }) => status !== "completed")).toEqual([]);
        return found.length === 2 * (events + 1) + 2 && found;
      },
      { withinMs: 90_000, everyMs: 200 },
    );
    expect(all.filter(({ service }) => service === "slow")).toMatchObject([{ attempt: 2, losses: 1 }]);
    expect(all.filter(({ eventKey }) => eventKey === unrouted)).toHaveLength(1);
    expect(new Set(all.map(({ eventKey, service }) => `${eventKey} ${service}`)).size).toBe(all.length);

    // An event that came before the copy is known; what is new is routed by the links and the mapping that came along.
    await send(api, event("e-0", "order.placed", dataOf(0)));
    await send(api, event("new", "order.placed", { n: events + 1 }));
    const seen = await eventually(async () => {
      const { items } = await api.request<{ items: { value: number }[] }>("GET", "/state/default/counter");
      return items[0]?.value === events + 2 && items;
    });
    expect(seen).toMatchObject([{ key: "seen", value: events + 2, version: events + 2 }]);
    const lines = await eventually(async () => {
      const found = await linesOf(api, "counted");
      return found.length === events + 2 && found;
    });
    expect(lines.every((line) => line.endsWith("hello True"))).toBe(true);
    await eventually(async () => (await linesOf(api, "tallied")).length === events + 2);
    const { items: bills } = await api.request<{ items: unknown[] }>("GET", "/events?type=bill.due&limit=100");
    expect(bills).toHaveLength(events + 2);

    const { items: found } = await api.request<{ items: { eventId: string }[] }>(
      "GET",
      "/events/search?q=needle%20type:order.placed",
    );
    expect(found).toMatchObject([{ eventId: "e-0" }]);
    await this.#requireDefinitions(api, url);
    expect(await api.request("GET", "/ledger/reconcile")).toMatchObject({ balanced: true });
    // A sink gathers for a while before it writes how the last run ended.
    await eventually(async () => {
      const { items } = await api.request<{ items: { count: number }[] }>(
        "GET",
        "/stats/executions?by=status&from=2020-01-01T00:00:00Z",
      );
      expect(items).toMatchObject([{ status: "completed", count: 2 * (events + 2) + 2 }]);
      return true;
    });
  }

  async #requireDefinitions(api: ApiClient, url: string): Promise<void> {
    const namesOf = async (route: string) => (await api.list<{ name: string }>(route)).map(({ name }) => name).sort();
    expect(await namesOf("/services?")).toEqual(["again", "counter", "slow", "tally", "yearly"]);
    expect(await namesOf("/projects?")).toEqual(["default", "shop"]);
    expect(await namesOf("/alerts/rules?")).toEqual(["quiet"]);
    expect(await api.list("/schedules?")).toMatchObject([{ service: "yearly" }]);
    const history = await api.request("GET", "/config/service/default/counter/greeting?history=true");
    expect(history).toMatchObject({
      items: [
        { value: "hello", version: 2 },
        { value: "hallo", version: 1 },
      ],
    });
    expect((await fetch(`${url}${this.#hook}`, { method: "POST", body: "{}" })).status).toBe(202);
  }
}

async function send(api: ApiClient, sent: CloudEvent): Promise<void> {
  await api.request("POST", "/events", JSON.stringify(sent), "application/cloudevents+json");
}

async function linesOf(api: ApiClient, q: string): Promise<string[]> {
  const { items } = await api.request<{ items: { text: string }[] }>("GET", `/logs?q=${q}&limit=100`);
  return items.map(({ text }) => text);
}
