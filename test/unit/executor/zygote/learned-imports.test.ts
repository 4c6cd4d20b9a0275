import { describe, expect, it } from "vitest";
import { LearnedImports } from "../../../../src/executor/zygote/learned-imports.ts";

const unused: string[] = [];
const learned = () => {
  unused.length = 0;
  return new LearnedImports((key) => unused.push(key));
};

describe("what the scripts of a version import", () => {
  it("is one list for all of them, which those have that told of imports", () => {
    const imports = learned();
    imports.learn("v1", "a.py", ["ssl"]);
    imports.learn("v1", "b.py", ["sqlite3"]);
    expect(imports.of("v1", "a.py")?.names).toEqual(["ssl", "sqlite3"]);
    expect(imports.of("v1", "b.py")).toBe(imports.of("v1", "a.py"));
    expect(imports.of("v1", "c.py")).toBeUndefined();
    expect(imports.of("v2", "a.py")).toBeUndefined();
  });

  it("changes three times at most, whatever is told", () => {
    const imports = learned();
    const keys = new Set<string>();
    for (let run = 0; run < 20; run += 1) {
      imports.learn("v1", "a.py", [`invented${run}`]);
      keys.add(imports.of("v1", "a.py")?.key ?? "");
    }
    expect(keys.size).toBe(4);
    expect(imports.of("v1", "a.py")?.names).toEqual(["invented0", "invented1", "invented2", "invented3"]);
    expect(unused).toEqual([...keys].slice(0, 3));
  });

  it("stays as it is where it would no longer fit into a start", () => {
    const imports = learned();
    imports.learn("v1", "a.py", ["ssl"]);
    imports.learn(
      "v1",
      "a.py",
      Array.from({ length: 2_000 }, (_, n) => `m${n}`),
    );
    imports.learn(
      "v1",
      "a.py",
      Array.from({ length: 700 }, (_, n) => `${"m".repeat(96)}${n}`),
    );
    expect(imports.of("v1", "a.py")?.names).toEqual(["ssl"]);
  });

  it("is nothing once it was not worth a zygote, and does not come back", () => {
    const imports = learned();
    imports.learn("v1", "a.py", ["invented", "json"]);
    const first = imports.of("v1", "a.py");
    first?.judge({ isWorthIt: false, refused: ["invented"] });
    expect(imports.of("v1", "a.py")).toBeUndefined();
    expect(unused).toEqual([first?.key]);
    imports.learn("v1", "a.py", ["json", "invented"]);
    expect(imports.of("v1", "a.py")).toBeUndefined();
    imports.learn("v1", "a.py", ["ssl", "invented"]);
    expect(imports.of("v1", "a.py")?.names).toEqual(["ssl"]);
    imports.of("v1", "a.py")?.judge(undefined);
    expect(imports.of("v1", "a.py")).toBeUndefined();
  });

  it("is not asked again for what a zygote that is worth it has refused", () => {
    const imports = learned();
    imports.learn("v1", "a.py", ["invented", "ssl"]);
    const first = imports.of("v1", "a.py");
    first?.judge({ isWorthIt: true, refused: ["invented"] });
    imports.learn("v1", "a.py", ["invented"]);
    expect(imports.of("v1", "a.py")).toBe(first);
    imports.learn("v1", "a.py", ["invented", "sqlite3"]);
    expect(imports.of("v1", "a.py")?.names).toEqual(["ssl", "sqlite3"]);
  });

  it("is forgotten by the zygotes when no version has it any more", () => {
    const imports = learned();
    imports.learn("v1", "a.py", ["ssl"]);
    imports.learn("v2", "a.py", ["ssl"]);
    const shared = imports.of("v1", "a.py")?.key;
    expect(imports.of("v2", "a.py")?.key).toBe(shared);
    imports.learn("v1", "a.py", ["sqlite3"]);
    expect(unused).toEqual([]);
    for (let version = 0; version < 1_000; version += 1) imports.learn(`w${version}`, "a.py", ["sqlite3", "ssl"]);
    expect(unused).toEqual([shared]);
    expect(imports.of("v2", "a.py")).toBeUndefined();
  });
});
