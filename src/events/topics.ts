/** Topics of the backbone. Outsiders and scripts produce to `events` only (rule D3). */
export const topics = {
  events: "fx.events",
  platform: "fx.platform",
  logs: "fx.logs",
  metrics: "fx.metrics",
  state: "fx.state",
  deadLetter: "fx.dead-letter",
} as const;
