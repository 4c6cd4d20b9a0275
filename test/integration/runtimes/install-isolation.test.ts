import { spawn } from "node:child_process";
import { chownSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { tempDir } from "../../support/temp-dir.ts";
import { isAlive } from "./script-runs.ts";

const nobody = 65_534;

test.skipIf(process.getuid?.() !== 0)(
  "S3: where the executor is not root, Landlock keeps the install of packages from the platform's files",
  async () => {
    const data = tempDir();
    chownSync(data, nobody, nobody);
    const entry = fileURLToPath(new URL("./unprivileged-install.ts", import.meta.url));
    const installing = spawn(process.execPath, [entry, data], {
      uid: nobody,
      gid: nobody,
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: process.env.PATH },
    });
    let text = "";
    installing.stdout.on("data", (bytes) => {
      text += bytes;
    });
    expect(await new Promise((resolve) => installing.on("close", resolve))).toBe(0);
    const { isolation, printed } = JSON.parse(text);
    if (isolation !== "landlock") throw new Error("this kernel has no Landlock: installs without root are untested");
    const [written, child, , , token] = JSON.parse(printed) as string[];
    expect(token).toBe("PermissionError");
    expect(written).toBe("PermissionError");
    expect(await isAlive(Number(child))).toBe(false);
  },
);
