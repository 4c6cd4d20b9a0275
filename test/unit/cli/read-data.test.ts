import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readData } from "../../../src/cli/send/read-data.ts";
import { tempDir } from "../../support/temp-dir.ts";

function file(name: string, content: string | Uint8Array): string {
  const path = join(tempDir(), name);
  writeFileSync(path, content);
  return `@${path}`;
}

test("JSON on the command line or in a .json file is the data", () => {
  const expected = { data: { a: 1 }, datacontenttype: "application/json" };
  expect(readData('{"a": 1}')).toEqual(expected);
  expect(readData(file("a.json", '{"a": 1}'))).toEqual(expected);
  expect(readData(undefined)).toEqual({});
});

test("another file's text is the data, with its media type; bytes that are no text travel as base64", () => {
  expect(readData(file("a.csv", "x,y\n1,é\n"))).toEqual({ data: "x,y\n1,é\n", datacontenttype: "text/csv" });
  expect(readData(file("a.unknown", "abc"))).toEqual({ data: "abc", datacontenttype: "text/plain" });
  expect(readData(file("a.png", new Uint8Array([0xff, 0xd8])))).toEqual({
    data_base64: "/9g=",
    datacontenttype: "application/octet-stream",
  });
});

test("what is not JSON is refused with the form that would be right", () => {
  expect(() => readData("{a: 1}")).toThrow(
    expect.objectContaining({ exit: "usage", fix: expect.stringContaining("single quotes") }),
  );
  expect(() => readData("@/does/not/exist")).toThrow(/cannot be read/);
});
