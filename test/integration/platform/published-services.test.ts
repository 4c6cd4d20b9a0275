import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";
import { publishedService } from "../../support/published-services.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

/** Deploys the service as it is, sends one event that starts it, and waits for the end of its run. */
async function runOf(name: string, type: string, data: Record<string, unknown>, grants: string[] = []) {
  const deployed = await platform.deploy(name, publishedService(name));
  expect(deployed.body.problems ?? []).toEqual([]);
  await platform.request("PUT", `/api/v1/services/default/${name}/grants`, { json: { secrets: grants } });
  const [key = ""] = await platform.send({ id: `${name}-${JSON.stringify(data)}`, type, data });
  const { links } = await platform.event(key);
  const id = links[0]?.executionId ?? "";
  await platform.settled(1, `&service=default/${name}`);
  const execution = await platform.execution(id);
  const outputs = execution.steps.map(({ output }) => output.preview);
  expect(execution.status, outputs.join("")).toBe("completed");
  return { id, outputs };
}

interface EventRow {
  event: { type: string; source: string; subject?: string; data: unknown };
}

describe("a service as people wrote it for the published product", () => {
  test("reads its parameters as an argument, by helper and by context", async () => {
    const { outputs } = await runOf("parcel-desk", "parcel.arrived", { weight: 3, note: "" });
    expect(outputs).toEqual([
      [
        "weight = 3",
        "note = ",
        "service_name = parcel-desk",
        "package_name = parcel-desk",
        "weight 3 3 3",
        "colour None None",
        "note ",
        'all {"weight": 3, "note": ""}',
        "desk parcel-desk default/parcel-desk parcel-desk parcel-desk",
        "",
      ].join("\n"),
    ]);
  });

  test("keeps its state from run to run, and reads its configuration, None for a setting that nobody made", async () => {
    const first = await runOf("stock-count", "parcel.counted", { shelf: "A" });
    expect(first.outputs[0]).toBe("before {} None\nafter 1 A\nunset None\nset good day 40\n");
    const second = await runOf("stock-count", "parcel.counted", { shelf: "B" });
    expect(second.outputs[0]).toMatch(/^before \{.*\} 1\nafter 2 B\nunset None\nset good day 40\n$/);
  });

  test("sends events in each of the documented forms", async () => {
    await runOf("order-desk", "order.received", { number: 12 });
    const order = { number: 12, lines: [{ item: "tea" }] };
    // A run may have ended before all that it sent is routed.
    const sent = await eventually(async () => {
      const { body } = await platform.request<{ items: EventRow[] }>("GET", "/api/v1/events?limit=1000");
      const found = body.items.map(({ event }) => event).filter(({ type }) => type.startsWith("desk."));
      expect(found.map(({ data }) => data)).toEqual(Array(6).fill(order));
      return found;
    });
    const named = Object.fromEntries(sent.map(({ type, source, subject }) => [type, [source, subject]]));
    const own = named["desk.plain"]?.[0];
    expect(own).toContain("order-desk");
    expect(named).toEqual({
      "desk.plain": [own, undefined],
      "desk.from": ["order-desk", undefined],
      "desk.given": ["/desk", undefined],
      "desk.named": [own, undefined],
      "desk.whole": ["counter-7", undefined],
      "desk.about": ["/desk", "order-12"],
    });
  });

  test("writes log lines of every level, of values too, from the level it has set", async () => {
    const { id } = await runOf("night-watch", "night.fell", {});
    const route = `/api/v1/executions/${id}/logs`;
    await eventually(async () => {
      const { body } = await platform.request<{ items: { stream: string; level: string; text: string }[] }>(
        "GET",
        route,
      );
      expect(body.items.filter(({ stream }) => stream === "log").map(({ level, text }) => [level, text])).toEqual([
        ["info", "doors are shut"],
        ["warning", "['a window', 'is open']"],
        ["error", "{'alarm': 3}"],
        ["critical", "smoke in room 4"],
        ["debug", "round of night-watch is over"],
      ]);
      return true;
    });
  });

  test("runs its modules in order, imports from its folders and reads files beside its scripts", async () => {
    const { outputs } = await runOf("two-hands", "hands.needed", { what: "rope" });
    expect(outputs).toEqual(["Hold it with both hands.\n", "right sees a firm rope of rope\n"]);
  });

  test.each([{ how: "amount", minutes: 3 }, { how: "short" }, { how: "cron" }])(
    "asks to be run again later, and is given the id of a job: %j",
    async (data) => {
      const { outputs } = await runOf("call-back", "call.missed", data);
      expect(outputs).toEqual(["job True True\n"]);
    },
  );

  test("S5: reads its secrets, of objects too, and stores some for its project; what it prints of them is redacted", async () => {
    const { outputs } = await runOf("vault-visit", "vault.opened", {}, ["project"]);
    expect(outputs).toEqual([
      "name [secret DB_NAME] length 13\nuser post\nmissing None None\nset [secret shared_key] length 8\nof vault-visit\n",
    ]);
  });
});
