import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { control, hunt } from "./hunt.ts";
import { plantInto } from "./planted-bug.ts";
import { plantedBugs } from "./planted-bugs.ts";

const maxSeeds = 100;

describe("planted bugs", () => {
  test("there are at least thirty, one for each rule of delivery, and each fits the source exactly once", () => {
    expect(plantedBugs.length).toBeGreaterThanOrEqual(30);
    const rules = new Set(plantedBugs.map(({ rule }) => rule));
    expect(Array.from({ length: 20 }, (_, index) => `D${index + 1}`).filter((rule) => !rules.has(rule))).toEqual([]);
    for (const { edits } of plantedBugs) {
      for (const file of new Set(edits.map((edit) => edit.file))) {
        const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), "utf8");
        expect(() =>
          plantInto(
            source,
            edits.filter((edit) => edit.file === file),
          ),
        ).not.toThrow();
      }
    }
  });

  for (const bug of plantedBugs) {
    test.concurrent(`${bug.rule}: it is caught that ${bug.name}`, { timeout: 240_000 }, async () => {
      const caught = await hunt(bug, maxSeeds);
      expect(caught, `${bug.name} got through ${maxSeeds} worlds`).toBeDefined();
      expect(await control(bug, caught?.seed as number)).toBeUndefined();
    });
  }
});
