// Run by Bun. Finds syntax errors in JavaScript and TypeScript files without running them.
// stdin: JSON [{path, file}]; stdout: JSON [{path: "name:line", message}].
import { readFileSync, writeSync } from "node:fs";
import { extname } from "node:path";

// As Bun itself reads these endings.
const loaders = { ".js": "jsx", ".mjs": "js", ".cjs": "js", ".ts": "ts", ".mts": "ts", ".cts": "ts" };

const problems = [];
for (const { path, file } of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    new Bun.Transpiler({ loader: loaders[extname(path)], target: "bun" }).scan(readFileSync(file));
  } catch (error) {
    const [first = error] = error.errors ?? [];
    problems.push({ path: `${path}:${first.position?.line ?? 1}`, message: `SyntaxError: ${first.message}` });
  }
}
writeSync(1, JSON.stringify(problems));
