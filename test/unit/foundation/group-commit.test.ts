import { describe, expect, test } from "vitest";
import { GroupCommit } from "../../../src/foundation/group-commit.ts";
import { eventually } from "../../support/eventually.ts";

describe("a group commit", () => {
  test("writes what arrives during a commit in the next one, in order, and answers each caller", async () => {
    const commits: number[][] = [];
    const release: (() => void)[] = [];
    const group = new GroupCommit<number, string>(async (items) => {
      commits.push(items);
      await new Promise<void>((resolve) => release.push(resolve));
      return items.map((item) => `written ${item}`);
    }, 100);

    const first = [group.add(1), group.add(2)];
    await Promise.resolve();
    await Promise.resolve();
    const second = [group.add(3), group.add(4), group.add(5)];
    expect(commits).toEqual([[1, 2]]);
    release[0]?.();
    expect(await Promise.all(first)).toEqual(["written 1", "written 2"]);
    await eventually(() => commits.length === 2);
    release[1]?.();
    expect(await Promise.all(second)).toEqual(["written 3", "written 4", "written 5"]);
    expect(commits).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
  });

  test("rejects exactly the callers of the commit that failed, and goes on", async () => {
    let failing = true;
    const group = new GroupCommit<number, number>(async (items) => {
      if (failing) throw new Error("disk full");
      return items;
    }, 100);
    await expect(Promise.all([group.add(1), group.add(2)])).rejects.toThrow("disk full");
    failing = false;
    expect(await group.add(3)).toBe(3);
  });

  test("never commits more than its limit at once", async () => {
    const sizes: number[] = [];
    const group = new GroupCommit<number, number>(async (items) => {
      sizes.push(items.length);
      return items;
    }, 10);
    await Promise.all(Array.from({ length: 25 }, (_, item) => group.add(item)));
    expect(sizes).toEqual([10, 10, 5]);
  });
});
