import { createHash } from "node:crypto";
import type { CatalogRow } from "../contents.ts";

/** A hash over rows in their order, the same on every database that holds them. */
export class RowDigest {
  readonly #hash = createHash("sha256");
  rows = 0;

  add(rows: readonly CatalogRow[]): void {
    for (const row of rows) {
      for (const column of Object.keys(row).sort()) this.#add(column, row[column] ?? null);
      this.#hash.update("\n");
    }
    this.rows += rows.length;
  }

  end(): string {
    return this.#hash.digest("base64url");
  }

  #add(column: string, value: CatalogRow[string]): void {
    if (value === null) return;
    // A database whose text holds no NUL keeps the picture of one.
    const content = typeof value === "string" ? value.replaceAll("\0", "\u2400") : value;
    const bytes = typeof content === "number" ? String(content) : content;
    this.#hash.update(
      `${column} ${typeof value} ${typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length} `,
    );
    this.#hash.update(bytes);
  }
}
