/** Where a container finds what is ours. */
export const places = {
  /** The run's context as JSON: event, params, config, service, execution, previous. */
  context: "/fx/context.json",
  /** One file for each secret that the manifest names. */
  secrets: "/fx/secrets",
  /** The step's private channel. */
  channel: "/fx/channel",
  /** The files of the service. */
  service: "/fx/service",
  /** What programs import. */
  sdk: "/fx/sdk",
} as const;

/** Marks of our containers: whose they are, and what for. */
export const labels = {
  /** Of one data directory; several platforms may share an engine. */
  platform: "streamzero.fx.platform",
  execution: "streamzero.fx.execution",
  attempt: "streamzero.fx.attempt",
  service: "streamzero.fx.service",
} as const;
