/** The consumer group that decides what events start. */
export const routerGroup = "router";
/** The consumer group that stores output and logs. */
export const logGroup = "ops-data";
/** The consumer group that makes events and the history of executions searchable. */
export const historyGroup = "ops-history";
/** The consumer group that learns event types and their schemas. */
export const eventTypeGroup = "event-types";
/** The consumer group that judges alerts. */
export const alertGroup = "alerts";
/** The consumer group that stores what processes measure of themselves. */
export const metricGroup = "ops-metrics";
