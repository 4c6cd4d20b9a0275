import { describe, expect, it } from "vitest";
import { fillForm } from "../../../src/services/fill-form.ts";
import { type ParametersForm, readParametersForm } from "../../../src/services/parameters-form.ts";

describe("parameters.json", () => {
  it("is refused with the place of each mistake", () => {
    const reading = readParametersForm({
      fields: [
        { type: "number", name: "a" },
        { type: "text", name: "" },
      ],
    });
    expect(reading).toEqual({
      ok: false,
      problems: [
        { path: "fields[0].type", message: expect.stringContaining('"int"') },
        { path: "fields[1].name", message: expect.any(String) },
      ],
    });
  });

  it("needs choices where one is chosen, one field a name, and a range that is one", () => {
    const reading = readParametersForm({
      fields: [
        { type: "select", name: "size" },
        { type: "int", name: "n", min: 5, max: 1 },
        { type: "text", name: "n" },
      ],
    });
    expect(reading.ok ? [] : reading.problems.map(({ path }) => path)).toEqual([
      "fields[0].choices",
      "fields[1].min",
      "fields[2].name",
    ]);
  });

  it("says that it is no form where it is a list", () => {
    expect(readParametersForm([])).toMatchObject({ ok: false, problems: [{ path: "(the whole file)" }] });
  });
});

describe("fillForm", () => {
  const form = formOf([
    { type: "text", name: "city", required: true, min: 2 },
    { type: "int", name: "count", default: 3, min: 1, max: 9 },
    { type: "float", name: "share", max: 1 },
    { type: "select", name: "size", choices: choices("s", "m") },
    { type: "multiselect", name: "tags", choices: choices("x", "y") },
    { type: "checkbox", name: "dry" },
    { type: "date", name: "day" },
  ]);

  it("fills in defaults and lets through what it does not name", () => {
    expect(fillForm(form, { city: "Bern", other: [1] })).toEqual({
      ok: true,
      data: { city: "Bern", count: 3, other: [1] },
    });
  });

  it("accepts each kind of value", () => {
    const data = { city: "Bern", count: 9, share: 0.5, size: "m", tags: ["x", "y"], dry: false, day: "2026-02-28" };
    expect(fillForm(form, data)).toEqual({ ok: true, data });
  });

  it.each([
    [{ count: 1 }, "city", "is required"],
    [{ city: "" }, "city", "is required"],
    [{ city: "B" }, "city", "at least 2 characters"],
    [{ city: "Bern", count: 1.5 }, "count", "whole number"],
    [{ city: "Bern", count: 10 }, "count", "at most 9"],
    [{ city: "Bern", count: "4" }, "count", 'found "4"'],
    [{ city: "Bern", share: 2 }, "share", "at most 1"],
    [{ city: "Bern", size: "xl" }, "size", 'one of "s", "m"'],
    [{ city: "Bern", tags: ["x", "z"] }, "tags", "a list of"],
    [{ city: "Bern", dry: "yes" }, "dry", "true or false"],
    [{ city: "Bern", day: "28.2.2026" }, "day", "a date"],
  ])("refuses %j", (data, path, message) => {
    expect(fillForm(form, data)).toEqual({
      ok: false,
      problems: [{ path, message: expect.stringContaining(message) }],
    });
  });

  it("is not misled by names of an object's own machinery", () => {
    const odd = formOf([{ type: "text", name: "constructor", required: true }]);
    expect(fillForm(odd, {})).toEqual({ ok: false, problems: [{ path: "constructor", message: "is required" }] });
  });
});

function choices(...values: string[]) {
  return values.map((value) => ({ title: value.toUpperCase(), value }));
}

function formOf(fields: unknown[]): ParametersForm {
  const reading = readParametersForm({ fields });
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.form;
}
