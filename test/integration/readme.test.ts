import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../support/cli.ts";
import { TestPlatform, testToken } from "../support/platform.ts";
import { tempDirForFile } from "../support/temp-dir.ts";

const directory = tempDirForFile();
let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
  cpSync(join(root, "examples"), join(directory, "examples"), { recursive: true });
  mkdirSync(join(directory, ".fx"));
  writeFileSync(join(directory, ".fx/token"), testToken);
});
afterAll(() => platform.stop());

/** The shell snippets of a page, in order; those that set up or start are other tests' matter. */
function snippets(page: string): string[] {
  const all = readFileSync(join(root, page), "utf8").matchAll(/```sh\n([\s\S]*?)```/g);
  return [...all].map(([, text = ""]) => text).filter((text) => !/^npm /m.test(text));
}

/** Runs a snippet as it is written; only `npx` is the CLI of this tree, and the address the test's. */
async function runSnippet(snippet: string): Promise<{ code: number | null; output: string }> {
  const fx = `npx() { shift; "${process.execPath}" "${join(root, "src/cli/main.ts")}" "$@"; }\n`;
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("FX_") && name !== "FORCE_COLOR");
  const child = spawn("sh", ["-e", "-c", fx + snippet.replaceAll("http://127.0.0.1:8080", platform.url)], {
    cwd: directory,
    env: { ...Object.fromEntries(inherited), FX_URL: platform.url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

test("every command of the README runs as it is written, and shows what is written below it", async () => {
  const outputs: string[] = [];
  for (const snippet of snippets("README.md")) {
    const { code, output } = await runSnippet(snippet);
    expect({ snippet, code, output }).toMatchObject({ code: 0 });
    outputs.push(output);
  }
  const [deployed, mine, unlinked, linked, small, around, request] = outputs;
  expect(deployed).toContain("Dear customer, your order 7 comes to 29.00.");
  expect(mine).toContain("packing order 1");
  expect(unlinked).toContain("To let the type start a service from now on: fx link order.confirmed <service>");
  expect(linked).toContain("packing order 9");
  expect(small).toContain("filter is false: event.data.total_cents > 1000");
  expect(around).toContain("every routed record has exactly one outcome");
  expect(request).toContain('"accepted":[{"key":');
});
