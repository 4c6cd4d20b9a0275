/** Drives a system that answers `POST /job` and `POST /flow` when the work is done. */
import { Agent, request } from "node:http";
import { drive } from "./drive.mjs";

const atATime = 64;
const agent = new Agent({ keepAlive: true, maxSockets: atATime });

function post(route, body) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const asked = request(`${process.env.URL}${route}`, { method: "POST", agent, headers }, (answer) => {
      answer.resume();
      answer.once("end", () =>
        answer.statusCode === 200 ? resolve() : reject(new Error(`${route} answered ${answer.statusCode}`)),
      );
    });
    asked.once("error", reject);
    asked.end(JSON.stringify(body));
  });
}

await drive({
  async burst(numbers) {
    const left = [...numbers];
    const work = async () => {
      for (let number = left.shift(); number !== undefined; number = left.shift()) await post("/job", { number });
    };
    await Promise.all(Array.from({ length: atATime }, work));
  },
  one: (number) => post("/job", { number }),
  flow: (steps, n) => post("/flow", { steps, n }),
});
