import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addressOf } from "../../../../sdk/sql/connection.ts";
import { tempDir } from "../../../support/temp-dir.ts";

function scene() {
  const root = realpathSync(tempDir());
  const hidden = join(root, "data");
  mkdirSync(join(hidden, "sql"), { recursive: true });
  writeFileSync(join(hidden, "catalog.db"), "");
  const outside = join(root, "outside");
  mkdirSync(outside);
  const places = { directory: join(hidden, "sql"), hidden };
  return { root, hidden, outside, addressIn: (path: string, at = places) => addressOf("db", `sqlite:${path}`, at) };
}

test("S4: a path that leads to the platform's files through a link is refused, whichever part is the link", () => {
  const { hidden, outside, addressIn } = scene();
  symlinkSync(hidden, join(outside, "directory"));
  symlinkSync(join(hidden, "catalog.db"), join(outside, "file.db"));
  for (const path of ["directory/catalog.db", "directory/new.db", "directory/sql/new.db", "file.db"]) {
    expect(() => addressIn(join(outside, path))).toThrow("the platform's own");
  }
  expect(() => addressIn(join(hidden, "..catalog.db"))).toThrow("the platform's own");
});

test("S4: also where the platform itself names its directory by a link", () => {
  const { root, hidden, addressIn } = scene();
  symlinkSync(hidden, join(root, "alias"));
  const places = { directory: "", hidden: join(root, "alias") };
  for (const path of [join(hidden, "catalog.db"), join(root, "alias", "catalog.db")]) {
    expect(() => addressIn(path, places)).toThrow("the platform's own");
  }
});

test("S4: a link that leads nowhere is refused: opening it would make the file where it points", () => {
  const { hidden, outside, addressIn } = scene();
  symlinkSync(join(hidden, "planted.db"), join(outside, "dangling.db"));
  expect(() => addressIn(join(outside, "dangling.db"))).toThrow("leads nowhere");
  expect(() => addressIn(join(outside, "missing", "new.db"))).toThrow("is not there");
});

test("a file elsewhere is taken, there already or not, by the path that it really has", () => {
  const { root, outside, addressIn } = scene();
  symlinkSync(outside, join(root, "way"));
  writeFileSync(join(outside, "old.db"), "");
  expect(addressIn(join(root, "way", "old.db"))).toEqual({ dialect: "sqlite", target: join(outside, "old.db") });
  expect(addressIn(join(root, "way", "new.db"))).toEqual({ dialect: "sqlite", target: join(outside, "new.db") });
  expect(addressIn(join(root, "data-of-others.db"))).toMatchObject({ target: join(root, "data-of-others.db") });
});
