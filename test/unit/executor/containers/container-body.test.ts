import { describe, expect, it } from "vitest";
import { containerBody } from "../../../../src/executor/containers/container-body.ts";
import type { StepRequest } from "../../../../src/executor/step-runner.ts";
import type { ExecutionId } from "../../../../src/foundation/ids.ts";
import type { Json } from "../../../../src/foundation/json.ts";
import { containerSettings } from "../../../../src/services/container-settings.ts";
import { noLimits } from "../../../../src/services/run-limits.ts";

const id = "0198c0de-0000-7000-8000-000000000001" as ExecutionId;

function bodyOf(
  manifest: { command?: string[]; args?: string[]; settings?: object; limits?: object } = {},
  image: string[] = [],
) {
  const { command, args, settings = {}, limits = {} } = manifest;
  const request: StepRequest = {
    executionId: id,
    attempt: 2,
    step: 1,
    slot: 0,
    directory: "/versions/v",
    script: "alpine",
    timeoutMs: 1000,
    ttlMs: 1000,
    outputCapBytes: 1000,
    limits: { ...noLimits, ...limits },
    isolation: { level: "process", network: false },
    context: {
      event: { specversion: "1.0", id: "e", source: "/test", type: "a.b" },
      params: {},
      service: { project: "shop", name: "orders", version: "v" },
      execution: { id, attempt: 2, step: 1, script: "alpine", replay: false, original: null },
      config: {},
      previous: null,
    },
  };
  const given = {
    context: "/g/context.json",
    secrets: "/g/secrets",
    channel: "/g/c",
    socket: "/g/c/s",
    openSocket: async () => {},
    remove: async () => {},
  };
  return containerBody({
    request,
    container: {
      kind: "container",
      image: "alpine",
      command,
      args,
      settings: containerSettings.parse(settings),
      secrets: [],
    },
    image: { env: image, stopSignal: undefined },
    given,
    secrets: new Map<string, Json>([
      ["API_KEY", "k"],
      ["db.json", { a: 1 }],
      ["FX_NONCE", "theirs"],
    ]),
    nonce: "n",
    started: undefined,
    library: "/lib",
    platform: "p",
  }) as { Env: string[]; Entrypoint?: string[]; Cmd?: string[]; HostConfig: Record<string, unknown> };
}

describe("what the engine is asked to make", () => {
  it("leaves the image's entry point and arguments alone where the manifest says nothing", () => {
    const body = bodyOf();
    expect([body.Entrypoint, body.Cmd]).toEqual([undefined, undefined]);
  });

  it("does not give the image's arguments to another entry point", () => {
    const body = bodyOf({ command: ["sh"] });
    expect([body.Entrypoint, body.Cmd]).toEqual([["sh"], []]);
  });

  it("has the limits of the run", () => {
    const limits = { memoryBytes: 64, processes: 20, openFiles: 100, cpuSeconds: 7 };
    expect(bodyOf({ limits, settings: { cpus: 0.5 } }).HostConfig).toMatchObject({
      Memory: 64,
      MemorySwap: 64,
      PidsLimit: 20,
      Ulimits: [
        { Name: "nofile", Soft: 100, Hard: 100 },
        { Name: "cpu", Soft: 7, Hard: 8 },
      ],
      NanoCpus: 500_000_000,
    });
    // One of ours takes the place of all that the engine would set.
    expect(bodyOf().HostConfig).not.toHaveProperty("Ulimits");
  });

  it("S5: keeps no log at the engine, gains no privilege, and mounts for reading only", () => {
    const { HostConfig: host } = bodyOf();
    expect(host).toMatchObject({ LogConfig: { Type: "none" }, SecurityOpt: ["no-new-privileges"] });
    expect((host.Mounts as { ReadOnly: boolean }[]).every(({ ReadOnly }) => ReadOnly)).toBe(true);
  });

  it("names secrets as variables where they can be, and lets none take a name of ours", () => {
    const { Env } = bodyOf();
    expect(Env.filter((entry) => /^(API_KEY|db\.json|FX_NONCE)=/.test(entry))).toEqual(["API_KEY=k", "FX_NONCE=n"]);
  });

  it("tells whether it is a replay, and of which execution only where it is one", () => {
    const { Env } = bodyOf();
    expect(Env.filter((entry) => /^FX_(REPLAY|ORIGINAL)/.test(entry))).toEqual(["FX_REPLAY=false"]);
  });

  it("keeps the image's own path of Python modules before ours", () => {
    expect(bodyOf({}, ["PYTHONPATH=/app"]).Env).toContain("PYTHONPATH=/app:/fx/sdk/python");
  });
});
