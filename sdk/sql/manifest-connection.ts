import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What the service's manifest says of the database for its `.sql` scripts. It was checked when the service was deployed. */
export function manifestConnection(directory: string): string | undefined {
  try {
    const { connection } = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));
    return typeof connection === "string" ? connection : undefined;
  } catch {
    return undefined;
  }
}
