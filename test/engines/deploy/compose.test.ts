import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { allRoles } from "../../../src/platform/roles.ts";
import { readComposeFile } from "../../support/compose-file.ts";

const file = new URL("../../../deploy/compose.yaml", import.meta.url).pathname;
const names = readFileSync(new URL("../../../deploy/.env.example", import.meta.url), "utf8").matchAll(/^(\w+)=/gm);
const given = Object.fromEntries([...names].map(([, name]) => [name as string, "given"]));

// The first time the parser is built.
beforeAll(async () => void (await readComposeFile(file, given)), 600_000);

test("deploy/compose.yaml is what Docker's own parser takes, and has every role", async () => {
  const { services } = (await readComposeFile(file, given)) as { services: Record<string, { command: string[] }> };
  for (const role of allRoles) expect(services[role]?.command).toEqual([role]);
});

test.each(Object.keys(given))("it says what to do where %s is not given", async (name) => {
  await expect(readComposeFile(file, { ...given, [name]: "" })).rejects.toThrow(
    `required variable ${name} is missing a value: see deploy/.env.example`,
  );
});
