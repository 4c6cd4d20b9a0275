import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fx } from "../../support/cli.ts";
import { tempDir } from "../../support/temp-dir.ts";

describe("fx completion", () => {
  it.each([
    [["lin"], ["link", "links"]],
    [["links", "ch"], ["change"]],
    [["--json", "links", "change", "--of"], ["--off"]],
    [["init", "--lang"], ["--language"]],
    [["logs", "--serv"], ["--service"]],
    [["executions", "--status", "f"], ["failed"]],
    [["executions", "--limit", "5", "--status", "co"], ["completed"]],
    [
      ["move", "--lane", ""],
      ["high", "regular", "low"],
    ],
    [["completion", "z"], ["zsh"]],
    [["run", "links", "ch"], []],
  ])("lets bash complete %j", async (words, expected) => {
    const file = join(tempDir(), "completion.bash");
    writeFileSync(file, (await fx(["completion", "bash"], {})).out);
    const typed = ["fx", ...words].map((word) => `'${word}'`).join(" ");
    const script = `source ${file}; COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _fx; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    expect(stdout.split("\n").filter((line) => line !== "")).toEqual(expected);
  });

  it("offers the shells there are for one that there is not", async () => {
    const { code, talk } = await fx(["completion", "tcsh"], {});
    expect([code, talk]).toEqual([2, expect.stringContaining("bash, zsh, fish")]);
  });
});
