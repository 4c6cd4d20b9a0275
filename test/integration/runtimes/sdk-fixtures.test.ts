import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import type { EmitRequest, RetryTime, StepHost } from "../../../src/executor/step-runner.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import type { Json, JsonObject } from "../../../src/foundation/json.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { type Fixture, fixtures, players } from "./fixture-players.ts";
import { openRunner, runScript } from "./script-runs.ts";

/** A platform as the case wants it, which keeps what is asked of it. */
class FixtureHost implements Partial<StepHost> {
  readonly emitted: EmitRequest[] = [];
  readonly state: JsonObject;
  readonly secretsSet: JsonObject[] = [];
  readonly retried: (RetryTime & { parameters?: JsonObject })[] = [];
  readonly results: Json[] = [];
  readonly #given: Fixture["given"];
  readonly #secrets: JsonObject;

  constructor(given: Fixture["given"]) {
    this.#given = given;
    this.state = { ...given.state };
    this.#secrets = { ...given.secrets };
  }

  emit = async (request: EmitRequest) => {
    if (this.#given.refuses?.includes(request.type)) throw new PlatformError("forbidden", "this type is reserved");
    this.emitted.push(request);
    return { id: request.id ?? `derived-${this.emitted.length}` };
  };
  getState = async () => ({ ...this.state });
  putState = async (key: string, value: Json) => {
    this.state[key] = value;
  };
  getSecret = async (name: string) => this.#secrets[name];
  setSecret: StepHost["setSecret"] = async (name, value, scope) => {
    if (this.#given.grants?.includes(scope) === false) throw new PlatformError("forbidden", `no grant for ${scope}`);
    this.secretsSet.push({ name, value, scope });
    this.#secrets[name] = value;
  };
  retryLater = async (when: RetryTime, parameters?: JsonObject) => {
    this.retried.push({ ...when, ...(parameters === undefined ? {} : { parameters }) });
    return { jobId: `job-${this.retried.length}`, at: 0 };
  };
  setResult = (value: Json) => {
    this.results.push(value);
  };
}

const data = tempDirForFile();
let runner: ProcessStepRunner;
beforeAll(async () => {
  runner = await openRunner(data);
});
afterAll(() => runner.close());

describe.each(Object.entries(players))("the SDK for %s", (_language, { script, source, runtime }) => {
  it.each(fixtures)("passes %s", async (_name, fixture) => {
    const { given, calls } = fixture;
    const host = new FixtureHost(given);
    const run = runScript(runner, { [script]: source, "calls.json": JSON.stringify(calls) }, script, {
      params: given.params,
      request: { runtime },
      config: given.config ?? {},
      previous: given.previous ?? null,
      host,
    });
    expect([await run.result, run.stderr()]).toEqual([expect.objectContaining({ kind: "exited", exitCode: 0 }), ""]);
    const [argv, ...returned] = run
      .stdout()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(returned).toEqual(fixture.returned);
    expect(host.emitted).toEqual(fixture.emitted ?? []);
    expect(run.logged.map(({ level, message }) => ({ level, message }))).toEqual(fixture.logged ?? []);
    expect(host.secretsSet).toEqual(fixture.secrets ?? []);
    expect(host.retried).toEqual(fixture.retried ?? []);
    expect(host.results).toEqual(fixture.results ?? []);
    if (fixture.state) expect(host.state).toEqual(fixture.state);
    if (fixture.argv) expect(argv).toEqual(fixture.argv);
  });

  it("is not made local by EF_ENV", async () => {
    const first = script.endsWith(".py") ? 'import os; os.environ["EF_ENV"] = "local"\n' : "";
    const files = { [script]: first + source, "calls.json": JSON.stringify([{ do: "about" }]) };
    if (script.endsWith(".ts")) {
      files[script] = `import "./set.ts";\n${source}`;
      Object.assign(files, { "set.ts": 'process.env.EF_ENV = "local";\n' });
    }
    const run = runScript(runner, files, script, { request: { runtime } });
    expect([await run.result, run.stderr()]).toEqual([expect.objectContaining({ kind: "exited", exitCode: 0 }), ""]);
    expect(JSON.parse(run.stdout().split("\n")[1] ?? "")).toMatchObject({ id: "shop/orders" });
  });
});
