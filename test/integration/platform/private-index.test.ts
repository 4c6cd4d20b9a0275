import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { TestPlatform } from "../../support/platform.ts";
import { writeWheels } from "../../support/python-packages.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { DependencyRuns } from "./dependency-runs.ts";

const password = "pass-word-of-the-index";
const wheel = "secretive-1.0-py3-none-any.whl";

/** An index of one package that wants a user and a password (PEP 503). */
async function startIndex(): Promise<string> {
  const directory = writeWheels(join(tempDir(), "wheels"), [
    { name: "secretive", version: "1.0", files: { "secretive.py": "WORD = 'from the private index'\n" } },
  ]);
  const wanted = `Basic ${Buffer.from(`robot:${password}`).toString("base64")}`;
  const index = createServer((request, response) => {
    if (request.headers.authorization !== wanted) {
      response.writeHead(401, { "www-authenticate": "Basic" }).end();
    } else if (request.url === "/simple/secretive/") {
      response.setHeader("content-type", "text/html").end(`<a href="../../${wheel}">${wheel}</a>`);
    } else if (request.url === `/${wheel}`) {
      response.end(readFileSync(join(directory, wheel)));
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => index.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void index.close());
  return `127.0.0.1:${(index.address() as AddressInfo).port}/simple/`;
}

test("a private index is asked with its credentials, which are told to nobody", async () => {
  const index = await startIndex();
  const pip = { dependenciesPythonTool: "pip" };
  const platform = await TestPlatform.start(pip, { FX_DEPENDENCIES_INDEX_URL: `http://robot:${password}@${index}` });
  onTestFinished(() => platform.stop());
  const runs = new DependencyRuns(platform);
  const files = { "requirements.txt": "secretive\n", "main.py": "import secretive\nprint(secretive.WORD)\n" };
  const told = await runs.deployTold("private", files);
  expect(told.at(-1)).toMatchObject({ event: "deployed" });
  expect((await runs.run("private")).output).toBe("from the private index\n");
  const refused = await runs.deployTold("private", { ...files, "requirements.txt": "secretive==2.0\n" });
  expect(refused.at(-1)).toMatchObject({ event: "refused", data: { problems: [{ path: "requirements.txt:1" }] } });
  const texts = JSON.stringify([told, refused]);
  expect(texts).toContain("secretive");
  expect(texts).not.toContain(password);
});
