import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { references } from "./references.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

for (const [path, make] of Object.entries(references)) {
  const file = resolve(root, path);
  const text = await make();
  mkdirSync(dirname(file), { recursive: true });
  if (readFileSync(file, { encoding: "utf8", flag: "a+" }) === text) continue;
  writeFileSync(file, text);
  console.log(`${path} is new`);
}
