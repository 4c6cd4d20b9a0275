import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestPlatform } from "../../support/platform.ts";

const noEngine = /^its runs cannot begin here as it is: .*nowhere\.sock/;
const kinds: [string, Record<string, unknown>, RegExp][] = [
  ["a container", { type: "container", image: "localhost/a" }, noEngine],
  ["scripts in a container", { isolation: "container", image: "localhost/a" }, noEngine],
  ["a sandbox", { isolation: "sandbox" }, /^its runs cannot begin here as it is: it wants a sandbox.*executor\.fork/],
];

describe("a service that cannot run on this machine as it is", () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await TestPlatform.start({
      executorContainersEngine: "unix:///nowhere/nowhere.sock",
      executorFork: "off",
    });
  });
  afterAll(() => platform?.stop());

  const deploy = (name: string, manifest: object) => {
    const scripts: Record<string, string> = "type" in manifest ? {} : { "main.py": "" };
    return platform.deploy(name, { ...scripts, "manifest.json": JSON.stringify(manifest) });
  };

  it.each(kinds)("is deployed with a warning that says why: %s", async (_kind, manifest, why) => {
    const { status, body } = await deploy("needy", manifest);
    expect(status).toBe(201);
    expect(body.warnings).toEqual([expect.stringMatching(why)]);
  });

  it("is warned of at each deploy, since it is the machine's matter and not the version's", async () => {
    const again = await deploy("needy", kinds[0]?.[1] as object);
    expect(again).toMatchObject({ status: 200, body: { warnings: [expect.stringMatching(noEngine)] } });
    const { body } = await platform.request("GET", "/api/v1/services/default/needy");
    const none = { warnings: [] };
    expect(body).toMatchObject({ versions: [none, none, none] });
  });

  it("does not keep others, which can, from being deployed without a word", async () => {
    expect(await deploy("plain", {})).toMatchObject({ status: 201, body: { warnings: [] } });
  });
});
