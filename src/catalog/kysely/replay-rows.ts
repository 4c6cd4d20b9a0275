import type { Selectable } from "kysely";
import type { Trigger } from "../../executions/execution.ts";
import type { NotReplayable, Replay } from "../replays.ts";
import type { ReplaysTable } from "./tables.ts";

/** Nothing may start from a replay, nor count in what is told of the live work: its lifecycle makes no events. */
export function isAnnounced({ trigger }: { trigger: Trigger }): boolean {
  return trigger !== "replay";
}

export function replayOf(row: Selectable<ReplaysTable>): Replay {
  return {
    id: row.id,
    correlationId: row.correlation_id,
    versions: JSON.parse(row.versions) as Replay["versions"],
    executions: row.executions,
    notReplayable: JSON.parse(row.not_replayable) as NotReplayable[],
    createdAt: row.created_at,
  };
}
