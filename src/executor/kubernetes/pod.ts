/** What is read of a pod (Kubernetes API, core/v1). */
export interface Pod {
  metadata: { name: string };
  status?: { containerStatuses?: ContainerStatus[]; initContainerStatuses?: ContainerStatus[] };
}

interface ContainerStatus {
  name: string;
  state?: {
    waiting?: { reason?: string; message?: string };
    running?: object;
    terminated?: { exitCode: number };
  };
}

/** Reasons to wait that do not pass by waiting. */
const hopeless = [
  "ImagePullBackOff",
  "ErrImageNeverPull",
  "InvalidImageName",
  "CreateContainerConfigError",
  "CreateContainerError",
];

export function containersOf({ status }: Pod): ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

/** Names of the containers that have begun, and so have a log. */
export function begunIn(pod: Pod): string[] {
  return containersOf(pod)
    .filter(({ state }) => state?.running !== undefined || state?.terminated !== undefined)
    .map(({ name }) => name);
}

/** Why it will never start. */
export function hindranceOf(pod: Pod): string | undefined {
  for (const { name, state } of containersOf(pod)) {
    const { reason = "", message = "" } = state?.waiting ?? {};
    if (hopeless.includes(reason)) return `container ${name} of pod ${pod.metadata.name}: ${reason}: ${message}`;
  }
  return undefined;
}

/** The exit code of the first container that failed; undefined: none has. */
export function failureOf(pods: readonly Pod[]): number | undefined {
  const codes = pods.flatMap(containersOf).map(({ state }) => state?.terminated?.exitCode);
  return codes.find((code) => code !== undefined && code !== 0);
}
