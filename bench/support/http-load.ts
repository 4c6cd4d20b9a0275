import autocannon from "autocannon";

export interface Load {
  url: string;
  headers: Record<string, string>;
  connections: number;
  eventsPerRequest: number;
  /** A fresh body for each request: events have ids of their own. */
  body(): Buffer;
  seconds: number;
}

/** Keeps so many connections busy; answers the events accepted per second, and the wait for an answer in ms. */
export async function httpLoad(load: Load): Promise<{ events: number; p50: number; p99: number }> {
  const { url, connections, eventsPerRequest, body, seconds } = load;
  const type = eventsPerRequest === 1 ? "application/cloudevents+json" : "application/cloudevents-batch+json";
  const headers = { ...load.headers, "content-type": type };
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [{ method: "POST", headers, setupRequest: (request) => ({ ...request, body: body() }) }],
  });
  if (result.non2xx + result.errors + result.timeouts > 0) {
    throw new Error(`${result.non2xx} refused, ${result.errors} errors, ${result.timeouts} timeouts at ${url}`);
  }
  return {
    events: (result["2xx"] * eventsPerRequest) / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
  };
}
