import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const directory = fileURLToPath(new URL("../fixtures/published/", import.meta.url));

/** The files of one of the services in test/fixtures/published, by their path in it. */
export function publishedService(name: string): Record<string, string> {
  const service = join(directory, name);
  const found = readdirSync(service, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = found.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.map((path) => [relative(service, path), readFileSync(path, "utf8")]));
}
