import type { Missed } from "./peer.ts";

/** Systems that were wanted here and that package registries alone do not give, as of November 2026. */
export const absent: readonly Missed[] = [
  {
    name: "inngest",
    why: "npm's inngest-cli fetches its server from elsewhere when it is installed, and the Go proxy refuses the module github.com/inngest/inngest",
  },
  {
    name: "hatchet",
    why: "the Go proxy refuses the module github.com/hatchet-dev/hatchet; npm and PyPI have its SDKs only",
  },
  { name: "windmill", why: "npm and PyPI have its clients only; the server comes as an image" },
  {
    name: "kestra",
    why: "Maven Central has io.kestra:core but neither io.kestra:kestra nor io.kestra:cli, which start the server",
  },
];
