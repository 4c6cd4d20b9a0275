/** An object of the Kubernetes API, as far as tests look at it. */
export interface ClusterObject {
  metadata: {
    name: string;
    uid: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: unknown[];
    deletionTimestamp?: string;
  };
  [key: string]: unknown;
}

/** A cluster that takes Jobs of one container, where a test says what a node would. */
export interface JobCluster {
  /** The text of a file for who may run Jobs, and nothing else. */
  readonly kubeconfig: string;
  job(name: string): Promise<ClusterObject | undefined>;
  secret(name: string): Promise<ClusterObject | undefined>;
  pods(job: string): Promise<ClusterObject[]>;
  /** The state of the Job's container, as in the status of a pod. */
  report(job: string, state: object): Promise<void>;
  /** More of the container's log. */
  write(job: string, text: string): Promise<void>;
  /** The container ends, and with it the Job. `reason`: a node's word for how. */
  finish(job: string, exitCode: number, reason?: string): Promise<void>;
  close(): Promise<void>;
}
