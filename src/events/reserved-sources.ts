const ofPlatform = /^\/(?:projects|mappings|webhooks|adapters|router|alerts)(?:\/|$)/;
const ofService = /^\/projects\/[^/]+\/services\/[^/]+$/;

/**
 * Sources that the platform speaks under (rule D3). The ids of its events derive from their causes, so
 * that others can work them out: whoever could use one first would take the place of the true event,
 * which then counts as a repeat. Scripts speak under their service's own source, the rest is refused.
 */
export function isReservedSource(source: string): boolean {
  return ofPlatform.test(source);
}

/** The source of a service's own events: what its scripts send, and what became of its runs. */
export function isServiceSource(source: string): boolean {
  return ofService.test(source);
}
