import { expect, test } from "vitest";
import { type DependencySettings, optionsOf } from "../../../../src/executor/environments/dependency-settings.ts";
import { environmentKey } from "../../../../src/executor/environments/environment-key.ts";

const settings: DependencySettings = {
  pythonTool: "auto",
  offline: false,
  sourceBuilds: true,
  npmScripts: false,
  timeoutMs: 1,
};
const declared = { file: "requirements.txt" as const, text: "", files: [{ path: "requirements.txt", hash: "h1" }] };

function keyOf(change: Partial<DependencySettings> = {}, interpreter = ["/usr/bin/python3.11", "3.11"], hash = "h1") {
  const files = [{ path: "requirements.txt", hash }];
  return environmentKey("python", interpreter, optionsOf("python", { ...settings, ...change }), { ...declared, files });
}

test("an environment is another for other content, another interpreter and other sources of packages", () => {
  const keys = [
    keyOf(),
    keyOf({}, undefined, "h2"),
    keyOf({}, ["/usr/bin/python3.12", "3.12"]),
    keyOf({ indexUrl: "https://h/simple" }),
    keyOf({ findLinks: "/packages" }),
    keyOf({ sourceBuilds: false }),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test("it stays the same when a password, the tool or its time limit changes", () => {
  expect(keyOf({ pythonTool: "uv", timeoutMs: 2, offline: true })).toBe(keyOf());
  expect(keyOf({ indexUrl: "https://a:b@h/simple" })).toBe(keyOf({ indexUrl: "https://a:c@h/simple" }));
});
