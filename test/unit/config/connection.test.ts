import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { forgetAddress, keepAddress } from "../../../src/config/address.ts";
import { findConnection } from "../../../src/config/connection.ts";
import { tempDir } from "../../support/temp-dir.ts";

test("with nothing said, the platform is at its default and the token in its data directory", () => {
  const directory = tempDir();
  mkdirSync(join(directory, ".fx"));
  writeFileSync(join(directory, ".fx/token"), "secret\n");
  expect(findConnection({}, { environment: {}, directory })).toMatchObject({
    url: "http://127.0.0.1:8080",
    token: "secret",
    tokenFrom: join(directory, ".fx/token"),
  });
});

test("flags win over the environment, that over fx.config.json", () => {
  const directory = tempDir();
  writeFileSync(join(directory, "fx.config.json"), '{"port": 1111, "host": "0.0.0.0"}');
  const url = (flags: { url?: string }, environment: Record<string, string>) =>
    findConnection(flags, { environment, directory }).url;
  expect(url({}, {})).toBe("http://127.0.0.1:1111");
  expect(url({}, { FX_PORT: "2222" })).toBe("http://127.0.0.1:2222");
  expect(url({}, { FX_URL: "http://there:3333" })).toBe("http://there:3333");
  expect(url({ url: "http://flag:4444" }, { FX_URL: "http://there:3333" })).toBe("http://flag:4444");
});

test("the address that the running platform has told wins over the port of a file, and not over the environment", () => {
  const directory = tempDir();
  mkdirSync(join(directory, ".fx"));
  writeFileSync(join(directory, "fx.config.json"), '{"port": 1111}');
  keepAddress(join(directory, ".fx"), "http://127.0.0.1:5555");
  const url = (environment: Record<string, string> = {}) => findConnection({}, { environment, directory }).url;
  expect(url()).toBe("http://127.0.0.1:5555");
  expect(url({ FX_PORT: "2222" })).toBe("http://127.0.0.1:2222");
  expect(url({ FX_URL: "http://there:3333" })).toBe("http://there:3333");
  // That of a process which is gone, as after a kill.
  writeFileSync(join(directory, ".fx/address"), "http://127.0.0.1:5555 999999999\n");
  expect(url()).toBe("http://127.0.0.1:1111");
  forgetAddress(join(directory, ".fx"));
  expect(url()).toBe("http://127.0.0.1:1111");
});

test("a token file wins over FX_TOKEN; one that is missing is refused by name", () => {
  const directory = tempDir();
  writeFileSync(join(directory, "t"), "from-file\n");
  const environment = { FX_TOKEN: "from-environment" };
  expect(findConnection({ tokenFile: "t" }, { environment, directory }).token).toBe("from-file");
  expect(findConnection({}, { environment, directory }).token).toBe("from-environment");
  expect(() => findConnection({ tokenFile: "missing" }, { environment, directory })).toThrow(/missing/);
});

test("what is no address is refused", () => {
  expect(() => findConnection({ url: "localhost:8080" }, { environment: {}, directory: tempDir() })).toThrow(
    /is not the address/,
  );
});
