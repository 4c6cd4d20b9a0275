import type { LeaseStore } from "../catalog/leases.ts";
import { PlatformError } from "../foundation/errors.ts";
import type { ExecutionId } from "../foundation/ids.ts";

/** Throws `lease-lost` unless the attempt's token is the current one. */
export async function requireHeldLease(
  leases: LeaseStore,
  lease: { id: ExecutionId; token: number },
  leaseMs: number,
): Promise<void> {
  const [renewed] = await leases.renew([lease], leaseMs);
  if (!renewed?.held) throw new PlatformError("lease-lost", "this attempt no longer holds the execution's lease");
}
