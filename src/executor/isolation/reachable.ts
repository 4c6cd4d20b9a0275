import { constants } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Whether any user may use `path` so: read or run it, and pass through every directory above it. */
export async function isReachable(path: string, use: "read" | "execute" | "traverse"): Promise<boolean> {
  const bit = use === "read" ? constants.S_IROTH : constants.S_IXOTH;
  try {
    if (((await stat(path)).mode & bit) === 0) return false;
    for (let above = dirname(path); ; above = dirname(above)) {
      if (((await stat(above)).mode & constants.S_IXOTH) === 0) return false;
      if (above === dirname(above)) return true;
    }
  } catch {
    return false;
  }
}
