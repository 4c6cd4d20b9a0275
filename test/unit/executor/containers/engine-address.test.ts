import { expect, it } from "vitest";
import { readEngineAddress } from "../../../../src/executor/containers/engine-address.ts";

it.each([
  ["unix:///run/podman/podman.sock", "unix:///run/podman/podman.sock"],
  ["unix:/run/podman/podman.sock", "unix:///run/podman/podman.sock"],
  ["/run/podman/podman.sock", "unix:///run/podman/podman.sock"],
  ["tcp://127.0.0.1:2375", "http://127.0.0.1:2375"],
  ["tcp://[::1]:5000", "http://[::1]:5000"],
  ["/a directory/engine.sock", "unix:///a directory/engine.sock"],
  ["http://engine.example", "http://engine.example:2375"],
])("an engine is reached at %s", (text, place) => {
  expect(readEngineAddress(text)).toBe(place);
});

it.each(["", "docker", "ssh://me@host", "https://host:2376", "unix://"])(
  "'%s' is refused, with what would be right",
  (text) => {
    expect(() => readEngineAddress(text)).toThrow(/no address of a container engine: unix:\/\//);
  },
);
