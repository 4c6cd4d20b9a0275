import * as restate from "@restatedev/restate-sdk";
import { fib, job } from "./work.mjs";

const bench = restate.service({
  name: "bench",
  handlers: {
    job: async (_context, number) => job(number),
    flow: async (context, { steps, n }) => {
      for (let step = 0; step < steps; step += 1) await context.run(`step ${step}`, () => fib(n));
    },
  },
});

await restate.serve({ services: [bench], port: Number(process.env.PORT) });
console.log("ready");
