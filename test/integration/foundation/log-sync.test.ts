import { appendFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { LogSync } from "../../../src/foundation/log-sync.ts";
import { tempDir } from "../../support/temp-dir.ts";

test("many who ask at once are all answered, and a closed one refuses", async () => {
  const file = path.join(tempDir(), "log");
  writeFileSync(file, "");
  const log = new LogSync(file, "the test's");
  const asked = Array.from({ length: 50 }, (_, n) => {
    appendFileSync(file, `${n}\n`);
    return log.durable();
  });
  await expect(Promise.all(asked)).resolves.toHaveLength(50);
  const last = log.durable();
  await log.close();
  await expect(last).resolves.toBeUndefined();
  await expect(log.durable()).rejects.toMatchObject({ code: "unavailable", message: "the test's log is closed" });
});

test("after a sync that failed nothing is called durable any more", async () => {
  // A device that cannot be synced says so, as a broken disk would.
  const failures: unknown[] = [];
  const log = new LogSync("/dev/null", "the test's", (failure) => failures.push(failure));
  const refused = { code: "unavailable", retryable: true, message: expect.stringMatching(/disk failed to sync/) };
  await expect(log.durable()).rejects.toMatchObject(refused);
  await expect(log.durable()).rejects.toMatchObject(refused);
  expect(failures).toEqual([log.failure]);
  await log.close();
});
