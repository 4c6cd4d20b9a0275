import { closeSync, openSync } from "node:fs";
import { constants, DatabaseSync } from "node:sqlite";
import { bindable, columnNames, type Database, type Row } from "./database.ts";
import { allowedPragmas, forbiddenFunctions } from "./forbidden.ts";
import type { Json } from "./template.ts";

const memoryBytes = 256 * 1024 * 1024;
const valueBytes = 64 * 1024 * 1024;
const busyMs = 10_000;

/** Opens `path`, made if missing, with everything closed that leads to another file (rule S4). */
export function openSqlite(path: string): Database {
  // SQLite gives its journal files the mode of the database: readable by the group of the SQL steps.
  process.umask(0o007);
  closeSync(openSync(path, "a", 0o660));
  const database = new DatabaseSync(path, {
    enableDoubleQuotedStringLiterals: false,
    allowExtension: false,
    defensive: true,
    timeout: busyMs,
    limits: { attach: 0, length: valueBytes, sqlLength: 4 * 1024 * 1024, exprDepth: 500, triggerDepth: 100 },
  });
  database.exec(
    `pragma journal_mode = wal; pragma hard_heap_limit = ${memoryBytes}; pragma temp_store = memory; pragma foreign_keys = on; pragma trusted_schema = off`,
  );
  database.setAuthorizer(authorize);
  let isOpen = false;
  return {
    async run({ text, binds }, values, maxRows) {
      const statement = database.prepare(text);
      if (statement.sourceSQL.trim() !== text) throw new Error("several statements where one was expected");
      statement.setReadBigInts(true);
      const bound = binds.map((index) => toSqlite(values[index] ?? null));
      if (/^\s*(begin|savepoint)/i.test(text)) isOpen = true;
      if (/^\s*(commit|end|rollback(?!\s+to)|rollback\s+transaction\s*$)/i.test(text)) isOpen = false;
      const columns = statement.columns();
      if (columns.length === 0) return { rows: undefined, changed: Number(statement.run(...bound).changes) };
      const names = columnNames(columns.map(({ name }) => name ?? ""));
      statement.setReturnArrays(true);
      const rows: Row[] = [];
      for (const row of statement.iterate(...bound) as Iterable<unknown>) {
        rows.push(Object.fromEntries((row as unknown[]).map((value, index) => [names[index], fromSqlite(value)])));
        if (rows.length === maxRows) break;
      }
      return { rows, changed: undefined };
    },
    async control(command) {
      database.exec(command);
      isOpen = command.startsWith("begin");
    },
    inTransaction: () => isOpen,
    close: async () => database.close(),
  };
}

/** Asked for every step of every statement while it is compiled. */
function authorize(action: number, first: string | null, second: string | null): number {
  if (action === constants.SQLITE_ATTACH || action === constants.SQLITE_DETACH) return constants.SQLITE_DENY;
  if (action === constants.SQLITE_PRAGMA) {
    return allowedPragmas.has((first ?? "").toLowerCase()) ? constants.SQLITE_OK : constants.SQLITE_DENY;
  }
  if (action === constants.SQLITE_FUNCTION) {
    return forbiddenFunctions.has((second ?? "").toLowerCase()) ? constants.SQLITE_DENY : constants.SQLITE_OK;
  }
  return constants.SQLITE_OK;
}

/** A whole number stays one: bound as a double, 5 would be 5.0. */
function toSqlite(value: Json): null | bigint | number | string {
  const plain = bindable(value);
  if (typeof plain === "boolean") return plain ? 1n : 0n;
  return typeof plain === "number" && Number.isSafeInteger(plain) ? BigInt(plain) : plain;
}

/** Bytes become base64, whole numbers past 2^53 text. */
function fromSqlite(value: unknown): Json {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return value as Json;
}
