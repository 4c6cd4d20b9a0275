import { bullmq } from "./bullmq/bullmq.ts";
import { celery } from "./celery/celery.ts";
import { dbos } from "./dbos/dbos.ts";
import { dramatiq } from "./dramatiq/dramatiq.ts";
import { graphileWorker } from "./graphile-worker/graphile-worker.ts";
import { huey } from "./huey/huey.ts";
import { n8n } from "./n8n/n8n.ts";
import { nodeRed } from "./node-red/node-red.ts";
import type { Peer } from "./peer.ts";
import { pgBoss } from "./pg-boss/pg-boss.ts";
import { prefect } from "./prefect/prefect.ts";
import { procrastinate } from "./procrastinate/procrastinate.ts";
import { restate } from "./restate/restate.ts";
import { rq } from "./rq/rq.ts";
import { streamzero } from "./streamzero/streamzero.ts";
import { temporalNode, temporalPython } from "./temporal/temporal.ts";

export const peers: readonly Peer[] = [
  ...streamzero,
  prefect,
  temporalPython,
  dbos,
  celery,
  rq,
  dramatiq,
  huey,
  procrastinate,
  temporalNode,
  restate,
  bullmq,
  graphileWorker,
  pgBoss,
  n8n,
  nodeRed,
];
