/** The consumer group that decides what events start. */
export const routerGroup = "router";
/** The consumer group that stores output and logs. */
export const logGroup = "ops-data";
