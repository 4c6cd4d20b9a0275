import { context } from "@streamzero/fx";

const order = context.params.get<number | string>("order");
const totalCents = context.params.get<number>("total_cents", 0);

console.log(`Dear customer, your order ${order} comes to ${(totalCents / 100).toFixed(2)}.`);
await context.events.send("order.confirmed", { order: order ?? null, total_cents: totalCents });
