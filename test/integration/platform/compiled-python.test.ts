import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findPython } from "../../../src/executor/runtimes/find-python.ts";
import { TestPlatform } from "../../support/platform.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";

const large = `${Array.from({ length: 300 }, (_, n) => `def rule_${n}(value):\n    return value + ${n}\n`).join("\n")}\n`;
const main =
  'import os\nfrom rules import rule_7\nprint(rule_7(1), os.listdir("__pycache__") if os.path.isdir("__pycache__") else [])\n';

let platform: TestPlatform;
const runRoot = join(tempDirForFile(), "run");
beforeAll(async () => {
  platform = await TestPlatform.start({ executorRunRoot: runRoot });
});
afterAll(() => platform.stop());

async function printed(type: string, count: number): Promise<string> {
  await platform.send({ id: `${type}-${count}`, type });
  const [latest] = await platform.settled(count, `&service=default/${type}`);
  const [output = ""] = await platform.outputs(latest?.id ?? "");
  return output;
}

function compiledMain(): string {
  const versions = join(runRoot, "versions");
  const [file] = readdirSync(versions, { recursive: true, encoding: "utf8" }).filter((name) =>
    /main\..*\.pyc$/.test(name),
  );
  return join(versions, file ?? "");
}

test("Python of some size is compiled once, with what it imports, and runs from there", async () => {
  const manifest = JSON.stringify({ entrypoint: "main.py", trigger_events: ["large"] });
  const files = { "manifest.json": manifest, "main.py": main, "rules.py": large };
  expect(await platform.deploy("large", files)).toMatchObject({ status: 201, body: { warnings: [] } });
  expect(await printed("large", 1)).toMatch(/^8 .*main\.cpython-\d+\.pyc.*rules\.cpython-\d+\.pyc|^8 .*rules.*main/);
  // Only whoever writes where the platform does could tell the two apart; the test may.
  const file = compiledMain();
  const othersMustReach = process.getuid?.() === 0;
  const { command } = await findPython({ searchPath: process.env.PATH, othersMustReach });
  const code = execFileSync(command, [
    "-c",
    'import marshal, sys; sys.stdout.buffer.write(marshal.dumps(compile("print(42)", "main.py", "exec")))',
  ]);
  writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 16), code]));
  expect(await printed("large", 2)).toBe("42\n");
});

test("what was cut short on its way to the disk is compiled again at the next start, and hurts no run until then", async () => {
  const file = compiledMain();
  writeFileSync(file, readFileSync(file).subarray(0, 20));
  expect(await printed("large", 3)).toMatch(/^8 /);
  await platform.restart({ executorRunRoot: runRoot });
  expect(await printed("large", 4)).toMatch(/^8 /);
  expect(readFileSync(file).length).toBeGreaterThan(100);
});
