import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { tempDir } from "../../support/temp-dir.ts";

const runChecks = fileURLToPath(new URL("../../../scripts/check/run-checks.mjs", import.meta.url));

async function run(...checks: { name: string; program: string }[]) {
  const folder = tempDir();
  const file = join(folder, "gate.mjs");
  const list = checks.map(({ name, program }) => ({ name, args: ["-e", program] }));
  writeFileSync(
    file,
    `import { runChecks } from ${JSON.stringify(runChecks)};
     process.exitCode = await runChecks(${JSON.stringify(folder)}, ${JSON.stringify(list)});`,
  );
  return promisify(execFile)(process.execPath, [file]).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string }) => ({ code: error.code, stdout: error.stdout }),
  );
}

test("checks that all pass pass the gate, and their words are not shown", async () => {
  const { code, stdout } = await run({ name: "one", program: "console.log('chatter')" }, { name: "two", program: "" });
  expect(code).toBe(0);
  expect(stdout).toContain("All 2 checks passed.");
  expect(stdout).not.toContain("chatter");
});

test("one failing check fails the gate; the others still run, and are told in the order given", async () => {
  const fails = "console.log('this is wrong'); process.exit(3)";
  const { code, stdout } = await run(
    { name: "one", program: fails },
    { name: "two", program: "" },
    { name: "three", program: "process.kill(process.pid, 'SIGKILL')" },
  );
  expect(code).toBe(1);
  const names = stdout.match(/^(passed|FAILED) {2}\w+/gm);
  expect(names).toEqual(["FAILED  one", "passed  two", "FAILED  three"]);
  expect(stdout).toContain("this is wrong");
  expect(stdout).toContain("2 of 3 checks failed.");
});
