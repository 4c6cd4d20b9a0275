import { chmodSync, rmSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";
import { tempDir } from "../../support/temp-dir.ts";

const services = {
  python: {
    "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: ["look"] }),
    "main.py": "from fx_ef import context\nimport other\nprint(other.word)\n",
    "other.py": "word = 'there'\n",
  },
  typescript: {
    "manifest.json": JSON.stringify({ entrypoint: "main.ts", trigger_events: ["look"] }),
    "main.ts": 'import { context } from "@streamzero/fx";\nconsole.log(context.event.type);\n',
  },
};

test("D7: what a tidy-up takes from the run root is made again, and no script fails for it", async () => {
  const directory = tempDir();
  chmodSync(directory, 0o711);
  const runRoot = path.join(directory, "run");
  const platform = await TestPlatform.start({ executorRunRoot: runRoot, executorSlots: 1 });
  onTestFinished(() => platform.stop());
  const versions = await Promise.all(
    Object.entries(services).map(async ([name, files]) => (await platform.deploy(name, files)).body.version),
  );

  const run = async (id: string) => {
    const [key = ""] = await platform.send({ id, type: "look" });
    await eventually(async () => {
      const { links } = await platform.event(key);
      expect(links).toHaveLength(2);
      for (const { executionId } of links) {
        expect(await platform.execution(executionId ?? "")).toMatchObject({ status: "completed", losses: 0 });
      }
      return true;
    });
  };
  await run("all is there");
  const taken = {
    "a file of a version": versions.map((version) => `versions/${version}/other.py`),
    "every version": ["versions"],
    "the sockets": ["slots"],
    "the library": ["lib"],
    "all of it": ["."],
  };
  for (const [what, names] of Object.entries(taken)) {
    for (const name of names) rmSync(path.join(runRoot, name), { recursive: true, force: true });
    await run(`without ${what}`);
  }
});
