import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { secretsKeys } from "../../../src/config/secrets-keys.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { tempDir } from "../../support/temp-dir.ts";

test.each([[0o640], [0o620], [0o644], [0o604]])("S3: a key file of mode %o is closed to all but its owner", (mode) => {
  const dataDir = tempDir();
  const file = join(dataDir, "keys");
  const key = Buffer.alloc(32, 7);
  writeFileSync(file, `${key.toString("base64")}\n`);
  chmodSync(file, mode);
  expect(secretsKeys({ secretsKey: file, dataDir }, systemRandom, false)).toEqual([key]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("a key file that its owner alone can read keeps its mode", () => {
  const dataDir = tempDir();
  const file = join(dataDir, "keys");
  writeFileSync(file, `${Buffer.alloc(32, 7).toString("base64")}\n`);
  chmodSync(file, 0o400);
  secretsKeys({ secretsKey: file, dataDir }, systemRandom, false);
  expect(statSync(file).mode & 0o777).toBe(0o400);
});
