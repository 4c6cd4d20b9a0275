/** Installs a package as a user that is not root and prints what the package saw at its install, and what a script does with it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../../src/foundation/hash.ts";
import type { VersionId } from "../../../src/foundation/ids.ts";
import { packageThatLooksAround } from "../../support/python-packages.ts";
import { openRunner, runScript } from "./script-runs.ts";

const data = process.argv[2] as string;
const runner = await openRunner(data);
const token = join(data, "token");
writeFileSync(token, "secret", { mode: 0o600 });

const texts: Record<string, string> = { ...packageThatLooksAround([token]), "requirements.txt": "./built\n" };
const files = Object.entries(texts).map(([path, text]) => ({ path, hash: sha256(text) }));
const read = async (path: string) => Buffer.from(texts[path] as string);
const request = { version: "v1" as VersionId, manifest: {}, files, read };
const environment = await runner.environments.open(request, "python", () => {});

const script = `import json, sys, built
try:
    open(sys.prefix + "/mine", "w")
    written = "wrote"
except OSError as error:
    written = type(error).__name__
print(json.dumps([written, *built.SEEN]))
`;
const run = runScript(runner, { "main.py": script }, "main.py", { request: { environment } });
await run.result;
const isolation = runner.isolation.kind;
await runner.close();
console.log(JSON.stringify({ isolation, printed: run.both() }));
