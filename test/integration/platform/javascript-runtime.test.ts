import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

const says = `const runtime: string = process.versions.bun === undefined ? "Node" : "Bun";\nconsole.log(runtime);\n`;
const withEnum = `enum Size { Small = 1 }\nconsole.log(Size.Small);\n`;
const withoutBun = { executorBun: "/nowhere/bun" };

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

function deploy(name: string, source: string, runtime?: string) {
  return platform.deploy(name, { "manifest.json": JSON.stringify({ runtime }), "main.ts": source });
}

async function run(name: string) {
  const route = `/api/v1/services/default/${name}/run`;
  const { body } = await platform.request<{ executionId: string }>("POST", route, { json: {} });
  return eventually(async () => {
    const found = await platform.execution(body.executionId);
    return ["completed", "failed"].includes(found.status) ? found : undefined;
  });
}

async function printed(name: string) {
  return (await run(name)).steps[0]?.output.preview;
}

describe("a service in TypeScript", () => {
  test("runs on Bun, or on what its manifest names", async () => {
    for (const [name, runtime] of [["plain"], ["on-bun", "bun"], ["on-node", "node"]] as const) {
      expect(await deploy(name, says, runtime)).toMatchObject({ status: 201 });
    }
    expect(await printed("plain")).toBe("Bun\n");
    expect(await printed("on-bun")).toBe("Bun\n");
    expect(await printed("on-node")).toBe("Node\n");
  });

  test("is checked at deploy as what will run it reads it", async () => {
    expect(await deploy("enum-bun", withEnum)).toMatchObject({ status: 201 });
    const refused = await deploy("enum-node", withEnum, "node");
    expect(refused).toMatchObject({ status: 400, body: { problems: [{ path: "main.ts:1" }] } });
    expect(await deploy("other", says, "deno")).toMatchObject({
      status: 400,
      body: { problems: [{ path: "manifest.json: runtime" }] },
    });
  });

  test("runs on Node where there is no Bun, unless its manifest asks for that: then its deploy is refused", async () => {
    await platform.restart(withoutBun);
    expect(await printed("plain")).toBe("Node\n");
    expect(await deploy("new", says)).toMatchObject({ status: 201 });
    expect(await deploy("wants-bun", says, "bun")).toMatchObject({
      status: 400,
      body: { problems: [{ path: "main.ts", message: expect.stringContaining("/nowhere/bun") }] },
    });
    // What was deployed while there was one.
    expect(await run("on-bun")).toMatchObject({
      status: "failed",
      error: { kind: "start", message: expect.stringContaining("/nowhere/bun") },
    });
  });

  test("runs on what the platform's settings say", async () => {
    await platform.restart({ executorJavascript: "node" });
    expect(await printed("plain")).toBe("Node\n");
    expect(await printed("on-bun")).toBe("Bun\n");
    await platform.restart({ executorJavascript: "bun", ...withoutBun });
    expect(await deploy("plain", `${says}// again\n`)).toMatchObject({ status: 400 });
  });
});
