import { type ErrorCode, messageOf, PlatformError } from "../../foundation/errors.ts";

/** Primary result codes (https://www.sqlite.org/rescode.html) and what they mean to a caller. */
const meanings: Record<number, { code: ErrorCode; message: string }> = {
  5: { code: "unavailable", message: "the catalog's database is busy" },
  6: { code: "unavailable", message: "the catalog's database is locked" },
  7: { code: "unavailable", message: "out of memory in the catalog's database" },
  8: { code: "unavailable", message: "the catalog's database cannot be written" },
  10: { code: "unavailable", message: "the catalog's disk failed to read or write" },
  11: { code: "corrupt", message: "the catalog's database is damaged" },
  13: { code: "unavailable", message: "the disk of the catalog is full" },
  14: { code: "unavailable", message: "the catalog's database cannot be opened" },
  18: { code: "limit-exceeded", message: "a value is too large for the catalog's database" },
  19: { code: "conflict", message: "the catalog holds something that this would contradict" },
  26: { code: "corrupt", message: "the catalog's file is not a database" },
};

/** SQLite's errors as ours; anything else is answered as it came. */
export function translateSqliteError(error: unknown): unknown {
  const errcode = (error as { errcode?: unknown } | null)?.errcode;
  // The low byte is the primary code, the rest says more about it.
  const meaning = typeof errcode === "number" ? meanings[errcode & 0xff] : undefined;
  if (meaning === undefined) return error;
  return new PlatformError(meaning.code, `${meaning.message} (${messageOf(error)})`, { cause: error });
}
