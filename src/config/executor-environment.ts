/** What the environment says of how scripts run and where their packages come from, and nothing of where a platform is. */
export function executorEnvironment(): Record<string, string | undefined> {
  const ours = Object.entries(process.env).filter(([name]) => /^FX_(EXECUTOR|DEPENDENCIES)_/.test(name));
  return Object.fromEntries(ours);
}
