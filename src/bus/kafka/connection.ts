import { isIP } from "node:net";
import type { BaseOptions } from "@platformatic/kafka";
import { readTlsFiles, type TlsFiles } from "../../foundation/tls-files.ts";

export interface KafkaConnection {
  /** `host:port`, of some of the brokers; the others are learned from these. */
  brokers: readonly string[];
  /** In front of the names of topics and groups: several installations may share a cluster. */
  prefix: string;
  /** Of what is sent. */
  compression?: KafkaCompression | undefined;
  tls?: TlsFiles | undefined;
  sasl?: KafkaSasl | undefined;
}

export type KafkaCompression = "none" | "gzip" | "snappy" | "lz4" | "zstd";

export interface KafkaSasl {
  mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  user: string;
  password: string;
}

/** What every client of one bus is made with. Throws `invalid-input` where a file cannot be read. */
export function clientOptions({ brokers, tls, sasl }: KafkaConnection): BaseOptions {
  return {
    clientId: "streamzero-fx",
    bootstrapBrokers: [...brokers],
    connectTimeout: 5000,
    timeout: 10_000,
    // A broker that has taken a request and says nothing.
    requestTimeout: 10_000,
    // Who calls repeats what fails for a passing reason, with a pause that grows.
    retries: 2,
    retryDelay: 200,
    metadataMaxAge: 30_000,
    ...(tls && {
      tls: readTlsFiles(tls, "Kafka"),
      // Brokers behind one address are told apart by the name; an address is none.
      tlsServerName: brokers.every((broker) => isIP(broker.slice(0, broker.lastIndexOf(":"))) === 0),
    }),
    ...(sasl && { sasl: { mechanism: sasl.mechanism, username: sasl.user, password: sasl.password } }),
  };
}
