import { expect, test } from "vitest";
import { fx } from "../../support/cli.ts";

test.each(["config", "secrets", "state"])(
  "fx %s alone tells its commands on stdout, and ends with 0",
  async (group) => {
    const { code, out, talk } = await fx([group], {});
    expect([code, talk]).toEqual([0, ""]);
    expect(out).toContain(`Usage: fx ${group}`);
  },
);

test("a word that is no command of a group is refused as one", async () => {
  const answer = await fx(["config", "sett"], {});
  expect(answer).toMatchObject({ code: 2, out: "", talk: expect.stringContaining("unknown command 'sett'") });
});
