import { describe, expect, it } from "vitest";
import { readManifest } from "../../../src/services/manifest.ts";
import { limitsOf, limitWarnings, noLimits, overrunText } from "../../../src/services/run-limits.ts";
import { parseSize } from "../../../src/services/size.ts";

function manifestOf(value: object) {
  const reading = readManifest(value);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.manifest;
}

describe("limits of a run", () => {
  it("are what the manifest says, within the platform's caps", () => {
    const caps = { ...noLimits, memoryBytes: 100 * 1024 * 1024, processes: 50, openFiles: 500 };
    const manifest = manifestOf({ memory: "1 GB", max_processes: 20, cpu_seconds: 7, max_output: 2048 });
    expect(limitsOf(manifest, caps)).toEqual({
      memoryBytes: 100 * 1024 * 1024,
      cpuSeconds: 7,
      processes: 20,
      openFiles: 500,
      outputBytes: 2048,
    });
  });

  it("give a container the processes that its engine needs to start it, whatever the platform's cap", () => {
    const caps = { ...noLimits, processes: 4 };
    const image = "localhost/a";
    expect(limitsOf(manifestOf({ type: "container", image, max_processes: 40 }), caps).processes).toBe(16);
    expect(limitsOf(manifestOf({ isolation: "container", image }), caps).processes).toBe(16);
    expect(limitsOf(manifestOf({ isolation: "container", image }), noLimits).processes).toBeUndefined();
    expect(limitsOf(manifestOf({ max_processes: 40 }), caps).processes).toBe(4);
  });

  it("warn of a manifest that asks for more than the platform gives", () => {
    const caps = { ...noLimits, memoryBytes: 512 * 1024 * 1024 };
    expect(limitWarnings(manifestOf({ memory: "1GB" }), caps)).toEqual([
      "manifest.json: memory asks for 1 GB of memory; this platform gives a run at most 512 MB of memory",
    ]);
    expect(limitWarnings(manifestOf({ memory: "512MB" }), caps)).toEqual([]);
  });

  it("tell a person which was passed, by the manifest's key", () => {
    expect(overrunText("openFiles", 100)).toBe('used more than its 100 open files (manifest key "max_open_files")');
    expect(overrunText("memoryBytes", 64 * 1024 * 1024)).toContain("64 MB of memory");
  });
});

describe("a size", () => {
  it.each([
    ["262144", 262_144],
    ["256 KB", 262_144],
    ["256kb", 262_144],
    ["1.5 GB", 1_610_612_736],
    ["64M", 67_108_864],
    ["a lot", undefined],
    ["12 parsecs", undefined],
    ["-5 MB", undefined],
  ])("%s is %s bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it("that is none, or too small, is refused with what would be right", () => {
    for (const memory of ["a lot", 1000, "-5 MB"]) {
      const reading = readManifest({ memory });
      expect(reading.ok).toBe(false);
      if (!reading.ok) expect(reading.problems[0]?.message).toMatch(/must be a size, such as .*at least 16 MB; found/);
    }
  });
});
