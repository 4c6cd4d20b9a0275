import { readdirSync, readFileSync } from "node:fs";
import type { JsonObject } from "../../../src/foundation/json.ts";
import type { JavaScriptRuntime } from "../../../src/services/manifest.ts";

/** A case of sdk/fixtures; its README says what the words mean. */
export interface Fixture {
  given: JsonObject & {
    params: JsonObject;
    config?: JsonObject;
    state?: JsonObject;
    secrets?: JsonObject;
    refuses?: string[];
    grants?: string[];
  };
  local?: boolean;
  calls: JsonObject[];
  argv?: JsonObject;
  emitted?: JsonObject[];
  logged?: { level: string; message: string }[];
  state?: JsonObject;
  secrets?: JsonObject[];
  retried?: JsonObject[];
  results?: unknown[];
  returned: unknown[];
}

const directory = new URL("../../../sdk/fixtures/", import.meta.url);
export const fixtures = readdirSync(directory)
  .filter((name) => name.endsWith(".json"))
  .map((name): [string, Fixture] => [name, JSON.parse(readFileSync(new URL(name, directory), "utf8"))]);

export interface Player {
  script: string;
  source: string;
  /** As a manifest says it. */
  runtime?: JavaScriptRuntime;
}

/** Scripts that make the calls of `calls.json` and print the first argument, then each value returned, as JSON by line. */
const playersByLanguage: Record<"python" | "typescript", Player> = {
  python: {
    script: "play.py",
    source: `
import json, sys
from ferris_ef import context, get_param, get_secret
from fx_ef import FxError
print(sys.argv[1])
def show(value): print(json.dumps(value))
def given(call): return [call["fallback"]] if "fallback" in call else []
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
        elif do == "param": show(get_param(call["name"], *given(call)))
        elif do == "params": show(context.params.get(call["name"], *given(call)))
        elif do == "config": show(context.config.get(call["name"], *given(call)))
        elif do == "secret": show(context.secrets.get(call["name"], *given(call)))
        elif do == "getSecret": show(get_secret(call["name"], *given(call)))
        elif do == "setSecret": context.secrets.set(call["name"], call["value"], call["scope"])
        elif do == "setSecretNamed": context.secrets.set(name=call["name"], value=call["value"], context=call["scope"])
        elif do == "sendNamed": show(context.events.send(event_type=call["type"], event_source=call["source"], data=call["data"]))
        elif do == "retry":
            when = dict(call["when"])
            if "cronExpression" in when: when["cron_expression"] = when.pop("cronExpression")
            show(context.scheduler.retry(**when))
        elif do == "previous": show(context.previous)
        elif do == "result": context.result(call["value"])
        elif do == "about":
            show({"name": context.package.name, "id": context.service.id, "attempt": context.execution.attempt,
                "step": context.execution.step, "replay": context.execution.replay,
                "original": context.execution.original, "type": context.event["type"]})
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
import { context, FxError, getParam, getSecret } from "@streamzero/fx";
console.log(process.argv[2]);
const show = (value: unknown) => console.log(JSON.stringify(value ?? null));
for (const call of JSON.parse(readFileSync("calls.json", "utf8"))) {
  try {
    if (call.do === "send" && call.options) {
      const { data, ...options } = call.options;
      show(await context.events.send(call.type, data, options));
    } else if (call.do === "send" && call.source) show(await context.events.send(call.type, call.data, { source: call.source }));
    else if (call.do === "send" && "data" in call) show(await context.events.send(call.type, call.data));
    else if (call.do === "send") show(await context.events.send(call.type));
    else if (call.do === "param") show(getParam(call.name, call.fallback));
    else if (call.do === "params") show(context.params.get(call.name, call.fallback));
    else if (call.do === "config") show(context.config.get(call.name, call.fallback));
    else if (call.do === "secret") show(await context.secrets.get(call.name, call.fallback));
    else if (call.do === "getSecret") show(await getSecret(call.name, call.fallback));
    else if (call.do === "setSecret" || call.do === "setSecretNamed") await context.secrets.set(call.name, call.value, call.scope);
    else if (call.do === "sendNamed") show(await context.events.send(call.type, call.data, { source: call.source }));
    else if (call.do === "retry") show(await context.scheduler.retry(call.when));
    else if (call.do === "previous") show(context.previous);
    else if (call.do === "result") await context.result(call.value);
    else if (call.do === "about") {
      const { attempt, step, replay, original } = context.execution;
      show({ name: context.package.name, id: context.service.id, attempt, step, replay, original, type: context.event.type });
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

const { python, typescript } = playersByLanguage;
export const players: Record<string, Player> = {
  python,
  "typescript on Node": { ...typescript, runtime: "node" },
  "typescript on Bun": { ...typescript, runtime: "bun" },
};
