import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fx, fxJson } from "../../support/cli.ts";
import { TestPlatform } from "../../support/platform.ts";
import { tempDir } from "../../support/temp-dir.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
  await platform.deploy("bill", { "main.py": "print('billed')" });
  const keys = await platform.send(
    ...[5, 20, 30].map((total) => ({ id: `p${total}`, type: "order.placed", data: { total, user: { id: "u" } } })),
  );
  for (const key of keys) await platform.event(key);
});
afterAll(() => platform.stop());

interface Mapping {
  id: string;
  fromType: string;
  toType: string;
  filter: string | null;
  strategy: string;
  fields: object[];
  active: boolean;
  name: string | null;
}

test("a mapping is made, changed field by field and removed; what is wrong names the command that helps", async () => {
  const words = [
    "map",
    "order.placed",
    "bill.due",
    "--field",
    "data.who!=data.user.id",
    "--filter",
    "event.data.total > 10",
  ];
  const made = await fxJson<Mapping>(words, platform);
  expect(made).toMatchObject({
    fromType: "order.placed",
    toType: "bill.due",
    strategy: "mapped",
    fields: [{ target: "data.who", from: "data.user.id", required: true }],
    active: true,
  });
  const off = await fx(["map", "change", made.id, "--off", "--clear-filter", "--all"], platform);
  expect(off).toMatchObject({ code: 0, out: expect.stringMatching(/order\.placed\s+bill\.due.*all, and 1.*off/) });
  const fields = ["--field", "data.cents~=event.data.total * 100", "--default", "data.cents:=0"];
  const changed = await fxJson<Mapping>(["map", "change", made.id, "--on", "--only", ...fields], platform);
  expect(changed).toMatchObject({ id: made.id, active: true, filter: null, strategy: "mapped" });
  expect(changed.fields).toMatchObject([{ target: "data.cents", expression: "event.data.total * 100", default: 0 }]);
  const nothing = await fx(["map", "change", made.id], platform);
  expect(nothing).toMatchObject({ code: 2, talk: expect.stringContaining("fx map change --help") });
  const stray = await fx(["map", "change", made.id, "--default", "data.x:=1"], platform);
  expect(stray).toMatchObject({ code: 2, talk: expect.stringContaining("names no field") });

  const removed = await fx(["map", "remove", made.id], platform);
  expect(removed).toMatchObject({ code: 0, out: `removed mapping ${made.id}\n` });
  expect(removed.talk).toContain("fx map list");
  expect((await fx(["map", "remove", made.id], platform)).code).not.toBe(0);
  expect(await fxJson<Mapping[]>(["map", "list"], platform)).toEqual([]);
});

test("a backtest of a link tells what it would have started, and the command that makes it", async () => {
  const filter = "event.data.total > 10";
  const tried = await fx(["backtest", "bill", "--link", "order.placed", "--filter", filter], platform);
  expect(tried).toMatchObject({ code: 0, out: expect.stringContaining("2 of 3 events would have matched.") });
  expect(tried.out).toContain(`✗ 1×  filter is false: ${filter}`);
  expect(tried.talk).toContain(`fx link order.placed default/bill --filter '${filter}'`);
  const bare = await fx(["backtest", "--link", "order.placed"], platform);
  expect(bare).toMatchObject({ code: 2, talk: expect.stringContaining("fx backtest --link order.placed <service>") });
});

test("a backtest of a mapping ends with the command that makes that mapping, and the shell reads it as it was meant", async () => {
  const directory = tempDir();
  const file = path.join(directory, "mapping.json");
  const mapping = {
    name: "bob's bills",
    fromType: "order.*",
    toType: "bill.due",
    strategy: "all",
    filter: 'event.type == "order.placed" && event.data.total > 10',
    fields: [
      { target: "data.who", from: "data.user.id", required: true },
      { target: "data.cents", expression: "event.data.total * 100" },
      { target: "data.note", value: "it's due" },
      { target: "data.city", from: "data.user.city", default: "Bern" },
    ],
  };
  writeFileSync(file, JSON.stringify(mapping));
  const tried = await fx(["backtest", "--mapping", file], platform);
  expect(tried).toMatchObject({ code: 0, out: expect.stringContaining("2 of 3 events would have matched.") });
  const command = /fx map .*/.exec(tried.talk)?.[0] ?? "";
  expect((await fxJson<Mapping[]>(["map", "list"], platform)).length).toBe(0);
  const made = await fxJson<Mapping>(wordsOf(command).slice(1), platform);
  expect(made).toMatchObject(mapping);
  await fx(["map", "remove", made.id], platform);
  const missing = await fx(["backtest", "--mapping", path.join(directory, "none.json")], platform);
  expect(missing).toMatchObject({ code: 2, talk: expect.stringContaining("cannot be read") });
});

test("a mapping that maps no field is made, and told to carry no data, with the command that changes that", async () => {
  const empty = await fx(["map", "order.placed", "order.seen", "--off"], platform);
  expect(empty).toMatchObject({ code: 0, out: expect.stringContaining("becomes order.seen") });
  expect(empty.talk).toMatch(/its events carry no data.*fx map change \S+ --all/);
  const whole = await fx(["map", "order.placed", "order.copied", "--off", "--all"], platform);
  expect(whole).toMatchObject({ code: 0, talk: expect.not.stringContaining("no data") });
});

/** The words of a command line, as the shell takes them apart. */
function wordsOf(command: string): string[] {
  const words = execFileSync("sh", ["-c", `printf '%s\\0' ${command}`], { encoding: "utf8" });
  return words.split("\0").slice(0, -1);
}

test("what is linked already is not told to be linked: the next command sends", async () => {
  await platform.deploy("await-parcels", { "main.py": "", "manifest.json": '{"trigger_events": ["parcel.*"]}' });
  const linked = await fx(["map", "order.packed", "parcel.due", "--all"], platform);
  expect(linked.talk).toContain("next: fx send order.packed --data '{}' --wait");
  const unlinked = await fx(["map", "order.packed", "pallet.due", "--all"], platform);
  expect(unlinked.talk).toContain("next: fx link pallet.due <service>");

  const first = await fx(["hooks", "add", "door"], platform);
  expect(first.talk).toContain("next: fx link fx.webhook.incoming <service> --filter 'event.subject == \"door\"'");
  await fx(["link", "fx.webhook.incoming", "bill", "--filter", 'event.subject == "door"'], platform);
  expect((await fx(["hooks", "rotate", "door"], platform)).talk).toContain(
    "next: fx events --type fx.webhook.incoming --follow",
  );
  expect((await fx(["hooks", "add", "gate"], platform)).talk).toContain("next: fx link fx.webhook.incoming <service>");
});
