import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import {
  inTransaction,
  migrateSqliteFile,
  openSqliteFile,
  takeDatabase,
  translateSqliteError,
} from "../../../src/foundation/sqlite-file.ts";
import { tempDir } from "../../support/temp-dir.ts";

function open(path = ":memory:"): DatabaseSync {
  const database = openSqliteFile(path);
  onTestFinished(() => database.close());
  return database;
}

const tables = (database: DatabaseSync) =>
  database
    .prepare("select name from sqlite_schema order by name")
    .all()
    .map(({ name }) => name);

test("D20: a file is written ahead, synced at every commit, and its owner's alone, even if it was not before", () => {
  const path = join(tempDir(), "a.db");
  writeFileSync(path, "", { mode: 0o644 });
  const database = open(path);
  expect(database.prepare("pragma journal_mode").get()).toEqual({ journal_mode: "wal" });
  expect(database.prepare("pragma synchronous").get()).toEqual({ synchronous: 2 });
  expect(database.prepare("pragma foreign_keys").get()).toEqual({ foreign_keys: 1 });
  expect(database.prepare("pragma busy_timeout").get()).toEqual({ timeout: 5000 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("what is no database is said to be corrupt, and stays as it is", () => {
  const path = join(tempDir(), "a.db");
  writeFileSync(path, "a text, long enough to be taken for a header of some kind. ".repeat(100));
  let thrown: unknown;
  try {
    openSqliteFile(path);
  } catch (error) {
    thrown = translateSqliteError(error, "the test's");
  }
  expect(thrown).toMatchObject({
    code: "corrupt",
    message: expect.stringContaining("the test's file is not a database"),
  });
  expect(existsSync(`${path}-wal`)).toBe(false);
});

test("work that throws leaves nothing behind, and the next transaction can begin", () => {
  const database = open();
  const work = () => {
    database.exec("create table half (n)");
    throw new Error("on purpose");
  };
  expect(() => inTransaction(database, work)).toThrow("on purpose");
  expect(tables(database)).toEqual([]);
  expect(inTransaction(database, () => "done")).toBe("done");
});

test("an error that is not SQLite's is answered as it came", () => {
  const error = new Error("another");
  expect(translateSqliteError(error, "the test's")).toBe(error);
  expect(translateSqliteError(undefined, "the test's")).toBeUndefined();
});

test("a file is brought up to date once, step by step, and a failed step is made again", () => {
  const database = open();
  const steps = ["create table a (n)", "create table b (n)"];
  migrateSqliteFile(database, steps.slice(0, 1), "the test's");
  expect(() =>
    migrateSqliteFile(database, [...steps.slice(0, 1), "create table c (n); nonsense"], "the test's"),
  ).toThrow("syntax error");
  expect(tables(database)).toEqual(["a"]);
  migrateSqliteFile(database, steps, "the test's");
  migrateSqliteFile(database, steps, "the test's");
  expect(tables(database)).toEqual(["a", "b"]);
  expect(() => migrateSqliteFile(database, [], "the test's")).toThrow(
    "the test's file has version 2, this release knows 0",
  );
});

test("a database belongs to whoever took it last; an open transaction of the one before is undone", () => {
  const database = open();
  const first = takeDatabase(database);
  expect(first()).toBe(true);
  database.exec("begin; create table half (n)");
  const second = takeDatabase(database);
  expect([first(), second()]).toEqual([false, true]);
  expect(tables(database)).toEqual([]);
});
