import type { ServerPlace } from "../../../engines/engine.ts";
import { jobsContract } from "../../integration/containers/jobs.contract.ts";
import { EngineJobs } from "../../support/engine-jobs.ts";
import { sharedServers } from "../../support/engines.ts";

jobsContract(() => EngineJobs.start(sharedServers("kubernetes")[0] as ServerPlace));
