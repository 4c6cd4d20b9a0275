/** What the environment says of how scripts run, and nothing of where a platform is. */
export function executorEnvironment(): Record<string, string | undefined> {
  const ours = Object.entries(process.env).filter(([name]) => name.startsWith("FX_EXECUTOR_"));
  return Object.fromEntries(ours);
}
