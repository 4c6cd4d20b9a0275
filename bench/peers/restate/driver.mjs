import { setTimeout as pause } from "node:timers/promises";
import { connect } from "@restatedev/restate-sdk-clients";
import { drive } from "./drive.mjs";

const { INGRESS, ADMIN, PORT } = process.env;
const atATime = 64;

async function register() {
  const body = JSON.stringify({ uri: `http://127.0.0.1:${PORT}` });
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const answer = await fetch(`${ADMIN}/deployments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    }).catch(() => undefined);
    if (answer?.ok) return;
    await pause(100);
  }
  throw new Error("Restate does not take the deployment");
}

await register();
const ingress = connect({ url: INGRESS });
const service = { name: "bench" };
const send = ingress.serviceSendClient(service);
const call = ingress.serviceClient(service);

await drive({
  async burst(numbers) {
    const left = [...numbers];
    // A call is durable before it runs, and answered when it is completed.
    const work = async () => {
      for (let number = left.shift(); number !== undefined; number = left.shift()) await call.job(number);
    };
    await Promise.all(Array.from({ length: atATime }, work));
  },
  async one(number) {
    await send.job(number);
  },
  async flow(steps, n) {
    await call.flow({ steps, n });
  },
});
