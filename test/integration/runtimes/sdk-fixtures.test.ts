import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import type { EmitRequest } from "../../../src/executor/step-runner.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import type { JsonObject } from "../../../src/foundation/json.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { openRunner, runScript } from "./script-runs.ts";

interface Fixture {
  given: { params: JsonObject; config?: JsonObject; state?: JsonObject; refuses?: string[] };
  calls: JsonObject[];
  argv?: JsonObject;
  emitted?: JsonObject[];
  logged?: JsonObject[];
  state?: JsonObject;
  returned: unknown[];
}

const directory = new URL("../../../sdk/fixtures/", import.meta.url);
const fixtures = readdirSync(directory)
  .filter((name) => name.endsWith(".json"))
  .map((name): [string, Fixture] => [name, JSON.parse(readFileSync(new URL(name, directory), "utf8"))]);

const players: Record<string, { script: string; source: string }> = {
  python: {
    script: "play.py",
    source: `
import json, sys
from ferris_ef import context, get_param
from fx_ef import FxError
print(sys.argv[1])
def show(value): print(json.dumps(value))
for call in json.load(open("calls.json")):
    do = call["do"]
    try:
        if do == "send" and "options" in call:
            options = dict(call["options"])
            if "correlationId" in options: options["correlation_id"] = options.pop("correlationId")
            show(context.events.send(call["type"], **options))
        elif do == "send" and "source" in call: show(context.events.send(call["type"], call["source"], data=call["data"]))
        elif do == "send" and "data" in call: show(context.events.send(call["type"], call["data"]))
        elif do == "send": show(context.events.send(call["type"]))
        elif do == "param": show(get_param(call["name"], call["fallback"]) if "fallback" in call else context.params.get(call["name"]))
        elif do == "config": show(context.config.get(call["name"]))
        elif do == "about":
            show({"name": context.package.name, "id": context.service.id, "attempt": context.execution.attempt,
                "step": context.execution.step, "type": context.event["type"]})
        elif do == "get": show(context.state.get(call["key"]) if "key" in call else context.state.get())
        elif do == "put": context.state.put(call["key"], call["value"])
        elif do == "log": getattr(context.logging, call["level"])(call["message"])
        elif do == "setLevel": context.logging.setLevel(call["level"].upper())
        else: raise ValueError(do)
    except FxError as error: show({"refused": error.code})
`,
  },
  typescript: {
    script: "play.ts",
    source: `
import { readFileSync } from "node:fs";
import { context, FxError, getParam } from "@streamzero/fx";
console.log(process.argv[2]);
const show = (value: unknown) => console.log(JSON.stringify(value));
for (const call of JSON.parse(readFileSync("calls.json", "utf8"))) {
  try {
    if (call.do === "send" && call.options) show(await context.events.send(call.type, call.options));
    else if (call.do === "send" && call.source) show(await context.events.send(call.type, call.source, call.data));
    else if (call.do === "send" && "data" in call) show(await context.events.send(call.type, call.data));
    else if (call.do === "send") show(await context.events.send(call.type));
    else if (call.do === "param") show("fallback" in call ? getParam(call.name, call.fallback) : context.params.get(call.name));
    else if (call.do === "config") show(context.config.get(call.name));
    else if (call.do === "about") {
      const { attempt, step } = context.execution;
      show({ name: context.package.name, id: context.service.id, attempt, step, type: context.event.type });
    } else if (call.do === "get") show(call.key ? await context.state.get(call.key) : await context.state.get());
    else if (call.do === "put") await context.state.put(call.key, call.value);
    else if (call.do === "log") context.logging[call.level as "info"](call.message);
    else if (call.do === "setLevel") context.logging.setLevel(call.level);
    else throw new Error(call.do);
  } catch (error) {
    if (!(error instanceof FxError)) throw error;
    show({ refused: error.code });
  }
}
`,
  },
};

const data = tempDirForFile();
let runner: ProcessStepRunner;
beforeAll(async () => {
  runner = await openRunner(data);
});
afterAll(() => runner.close());

describe.each(Object.entries(players))("the SDK for %s", (_language, { script, source }) => {
  it.each(fixtures)("passes %s", async (_name, fixture) => {
    const { given, calls } = fixture;
    const state: JsonObject = { ...given.state };
    const emitted: EmitRequest[] = [];
    const run = runScript(runner, { [script]: source, "calls.json": JSON.stringify(calls) }, script, {
      params: given.params,
      config: given.config ?? {},
      host: {
        async emit(request) {
          if (given.refuses?.includes(request.type)) throw new PlatformError("forbidden", "this type is reserved");
          emitted.push(request);
          return { id: request.id ?? `derived-${emitted.length}` };
        },
        getState: async () => ({ ...state }),
        async putState(key, value) {
          state[key] = value;
        },
      },
    });
    expect([await run.result, run.stderr()]).toEqual([expect.objectContaining({ kind: "exited", exitCode: 0 }), ""]);
    const [argv, ...returned] = run
      .stdout()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(returned).toEqual(fixture.returned);
    expect(emitted).toEqual(fixture.emitted ?? []);
    expect(run.logged.map(({ level, message }) => ({ level, message }))).toEqual(fixture.logged ?? []);
    if (fixture.state) expect(state).toEqual(fixture.state);
    if (fixture.argv) expect(argv).toEqual(fixture.argv);
  });
});
