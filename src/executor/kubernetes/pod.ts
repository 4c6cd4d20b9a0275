import { jobFile } from "../../services/elsewhere.ts";
import type { RemoteEnd } from "../remote-step.ts";

/** What is read of a pod (Kubernetes API, core/v1). */
export interface Pod {
  metadata: { name: string };
  spec?: { activeDeadlineSeconds?: number; containers?: PodContainer[]; initContainers?: PodContainer[] };
  status?: {
    /** Of a pod that ended as a whole, not with its containers: "DeadlineExceeded", "Evicted". */
    reason?: string;
    message?: string;
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

interface PodContainer {
  name: string;
  image?: string;
  resources?: { limits?: { memory?: string } };
}

interface ContainerStatus {
  name: string;
  state?: {
    waiting?: { reason?: string; message?: string };
    running?: object;
    terminated?: { exitCode: number; reason?: string };
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

/** What the cluster says while it tries; of a try that failed it later says only that it will try again. */
const failedPull = "ErrImagePull";

/** Those of them that are about the image. */
const ofImage = ["ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"];

export function containersOf({ status }: Pod): ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

/** Names of the containers that have begun, and so have a log. */
export function begunIn(pod: Pod): string[] {
  return containersOf(pod)
    .filter(({ state }) => state?.running !== undefined || state?.terminated !== undefined)
    .map(({ name }) => name);
}

/** The cluster's words of images that could just now not be had, by image. */
export function failedPullsOf(pod: Pod): [image: string, message: string][] {
  return containersOf(pod).flatMap(({ name, state }) => {
    const { reason, message = "" } = state?.waiting ?? {};
    return reason === failedPull && message !== "" ? [[imageOf(pod, name), message] as [string, string]] : [];
  });
}

/** Why it will never start. `failedPulls`: what was said before of images that could not be had. */
export function hindranceOf(pod: Pod, failedPulls: ReadonlyMap<string, string> = new Map()): string | undefined {
  for (const { name, state } of containersOf(pod)) {
    const { reason = "", message = "" } = state?.waiting ?? {};
    if (!hopeless.includes(reason)) continue;
    const place = `container ${name} of pod ${pod.metadata.name}`;
    if (!ofImage.includes(reason)) return `${place}: ${reason}: ${message}`;
    const image = imageOf(pod, name);
    const cause = failedPulls.get(image);
    const words = cause === undefined || message.includes(cause) ? message : `${message}: ${cause}`;
    return `the image ${image} of ${place} cannot be had: ${reason}: ${words}`;
  }
  return undefined;
}

/** How a Job that failed ended by its pods; undefined: they do not tell. */
export function endOf(pods: readonly Pod[]): RemoteEnd | undefined {
  for (const pod of pods) {
    const { name } = pod.metadata;
    const { reason, message = "" } = pod.status ?? {};
    if (reason === "DeadlineExceeded")
      return {
        kind: "limited",
        message: `took longer than ${pod.spec?.activeDeadlineSeconds} s (activeDeadlineSeconds of the pod in ${jobFile})`,
      };
    if (reason === "Evicted") return { kind: "limited", message: `was evicted with its pod ${name}: ${message}` };
    for (const container of containersOf(pod)) {
      const { exitCode = 0, reason } = container.state?.terminated ?? {};
      if (reason === "OOMKilled") return { kind: "limited", message: outOfMemory(pod, container.name) };
      if (exitCode !== 0) return { kind: "exited", exitCode };
    }
  }
  return undefined;
}

function outOfMemory(pod: Pod, name: string): string {
  const limit = containerIn(pod, name)?.resources?.limits?.memory;
  // Without a limit of its own it was the node that had no more.
  if (limit === undefined)
    return `was killed because its node had no more memory (container ${name}; it has no resources.limits.memory in ${jobFile})`;
  return `used more than its ${limit} of memory (resources.limits.memory of container ${name} in ${jobFile})`;
}

function imageOf(pod: Pod, name: string): string {
  return containerIn(pod, name)?.image ?? "";
}

function containerIn({ spec }: Pod, name: string): PodContainer | undefined {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].find((container) => container.name === name);
}
