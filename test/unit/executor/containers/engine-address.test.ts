import { expect, it } from "vitest";
import { readEngineAddress } from "../../../../src/executor/containers/engine-address.ts";

it.each([
  ["unix:///run/podman/podman.sock", { socketPath: "/run/podman/podman.sock" }],
  ["/run/podman/podman.sock", { socketPath: "/run/podman/podman.sock" }],
  ["tcp://127.0.0.1:2375", { host: "127.0.0.1", port: 2375 }],
  ["http://engine.example", { host: "engine.example", port: 2375 }],
])("an engine is reached at %s", (text, place) => {
  expect(readEngineAddress(text)).toMatchObject(place);
});

it.each(["", "docker", "ssh://me@host", "https://host:2376", "unix://"])(
  "'%s' is refused, with what would be right",
  (text) => {
    expect(() => readEngineAddress(text)).toThrow(/no address of a container engine: unix:\/\//);
  },
);
