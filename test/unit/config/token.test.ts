import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { administratorToken, tokenFile } from "../../../src/config/token.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { tempDir } from "../../support/temp-dir.ts";

describe("administratorToken", () => {
  it("makes one at the first start, readable by its owner alone, and keeps it", () => {
    const dataDir = tempDir();
    const token = administratorToken({ dataDir }, systemRandom);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(statSync(tokenFile(dataDir)).mode & 0o777).toBe(0o600);
    expect(readFileSync(tokenFile(dataDir), "utf8")).toBe(`${token}\n`);
    expect(administratorToken({ dataDir }, systemRandom)).toBe(token);
  });

  it("takes the setting's and stores nothing", () => {
    const dataDir = tempDir();
    expect(administratorToken({ dataDir, token: "of-the-setting" }, systemRandom)).toBe("of-the-setting");
    expect(() => statSync(tokenFile(dataDir))).toThrow("ENOENT");
  });

  it("closes a token file that others could read", () => {
    const dataDir = tempDir();
    writeFileSync(tokenFile(dataDir), "stored-token\n");
    chmodSync(tokenFile(dataDir), 0o644);
    expect(administratorToken({ dataDir }, systemRandom)).toBe("stored-token");
    expect(statSync(tokenFile(dataDir)).mode & 0o777).toBe(0o600);
  });

  it("refuses an empty token file, which would open the platform to everybody", () => {
    const dataDir = tempDir();
    writeFileSync(tokenFile(dataDir), "\n");
    expect(() => administratorToken({ dataDir }, systemRandom)).toThrow("is empty");
  });
});
