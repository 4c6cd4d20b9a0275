import { z } from "zod";
import { durationMs, httpUrl } from "./setting-types.ts";

function tlsFiles(whose: string, toWhom: string) {
  const file = z.string().min(1).optional();
  return {
    authorityFile: file.describe(
      `Certificates (PEM) of who may have signed ${whose}; without it those that Node trusts.`,
    ),
    certificateFile: file.describe(`Certificate (PEM) to show to ${toWhom} for one.`),
    keyFile: file.describe("Its key (PEM)."),
  };
}

// For each port a union on its driver; without one everything is embedded.

export const bus = z.discriminatedUnion("driver", [
  z.strictObject({
    driver: z.literal("sqlite").describe("Which engine carries events; sqlite is embedded, kafka needs a cluster."),
    partitions: z
      .int()
      .min(1)
      .max(256)
      .default(8)
      .describe("Partitions of each topic of a new data directory; fixed once it exists."),
  }),
  z.strictObject({
    driver: z.literal("kafka"),
    brokers: z
      .string()
      .regex(
        /^[^\s,/]+:\d+(,[^\s,/]+:\d+)*$/,
        'must be host:port, with commas between several: "kafka-1:9092,kafka-2:9092"',
      )
      .describe("Brokers of a cluster of Kafka 4, host:port with commas between; the others are learned from these."),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9._-]{0,100}$/, "may have letters, digits, '.', '_' and '-'")
      .default("")
      .describe("In front of the names of topics and consumer groups, where several installations share the cluster."),
    partitions: z
      .int()
      .min(1)
      .max(1024)
      .default(8)
      .describe("Partitions of each topic that is made; one that exists keeps its own."),
    replication: z
      .int()
      .min(1)
      .max(10)
      .default(3)
      .describe("Copies of each topic that is made; 1 for a single broker."),
    compression: z
      .enum(["none", "gzip", "snappy", "lz4", "zstd"])
      .default("none")
      .describe("How batches are made smaller on their way and on the brokers' disks; records of others may have any."),
    tls: z.boolean().default(false).describe("Whether the brokers speak TLS."),
    ...tlsFiles("the brokers' ones", "brokers that ask"),
    mechanism: z
      .enum(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
      .default("SCRAM-SHA-512")
      .describe("How user and password are proved (SASL)."),
    user: z.string().min(1).optional().describe("User at the brokers; without it none is named."),
    password: z.string().min(1).optional().describe("Its password.").meta({ secret: true }),
  }),
]);
const migrate = z
  .boolean()
  .default(true)
  .describe(
    "Whether a start brings the catalog's schema up to date; else it refuses one that is behind, and fx migrate does it.",
  );
export const catalog = z.discriminatedUnion("driver", [
  z.strictObject({
    driver: z
      .literal("sqlite")
      .default("sqlite")
      .describe("Which engine decides what runs; sqlite is embedded, postgres needs a server."),
    migrate,
  }),
  z.strictObject({
    driver: z.literal("postgres"),
    url: z
      .url({
        protocol: /^postgres(ql)?$/,
        error: "must be a URL such as postgres://user:password@host:5432/database",
      })
      .describe("Database of a PostgreSQL 15 or later: postgres://user:password@host:5432/database.")
      .meta({ secret: true }),
    connections: z.int().min(2).max(1000).default(10).describe("Most connections to it; one more is held to listen."),
    migrate,
  }),
]);
export const configStore = z.discriminatedUnion("driver", [
  z.strictObject({
    driver: z
      .literal("sqlite")
      .describe(
        "Which engine holds configuration, secrets and the state of services; sqlite is embedded, consul needs a server.",
      ),
  }),
  z.strictObject({
    driver: z.literal("consul"),
    url: httpUrl("http://127.0.0.1:8500").describe("Where Consul answers: http://127.0.0.1:8500."),
    token: z
      .string()
      .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces")
      .optional()
      .describe("ACL token; it needs to write, list and delete keys below the prefix.")
      .meta({ secret: true }),
    ...tlsFiles("Consul's one", "a Consul that asks"),
    prefix: z
      .string()
      .regex(
        /^[A-Za-z0-9._-]{1,100}(\/[A-Za-z0-9._-]{1,100})*$/,
        "must be names of letters, digits, '.', '_' and '-', with / between",
      )
      .default("fx")
      .describe("In front of every key, where several installations share a Consul."),
  }),
]);
export const artifactStore = z.discriminatedUnion("driver", [
  z.strictObject({
    driver: z
      .literal("filesystem")
      .describe(
        "Where files of service versions are; filesystem is below the data directory, s3 a bucket of a server that speaks the S3 API.",
      ),
  }),
  z.strictObject({
    driver: z.literal("s3"),
    endpoint: httpUrl("https://s3.example.com")
      .optional()
      .describe("Address of the server: https://s3.example.com; without it AWS's own for the region."),
    region: z.string().min(1).default("us-east-1").describe("Region of the bucket, as the server has it."),
    bucket: z.string().min(3).max(255).describe("Bucket for the files; it must be there."),
    prefix: z
      .string()
      .regex(/^([\w.-]+\/)*$/, 'must be empty or end with a slash, of letters, digits, ".", "_" and "-": "fx/"')
      .default("")
      .describe("Before every key, such as fx/, so that several installations may share a bucket."),
    accessKeyId: z
      .string()
      .min(1)
      .optional()
      .describe("Id of an access key; without it credentials are looked for where AWS's own tools look.")
      .meta({ secret: true }),
    secretAccessKey: z.string().min(1).optional().describe("Secret of that access key.").meta({ secret: true }),
    pathStyle: z
      .boolean()
      .optional()
      .describe("Whether the bucket is named in the path and not in the host; without it where there is an endpoint."),
    authorityFile: z
      .string()
      .min(1)
      .optional()
      .describe("Certificates (PEM) of who may have signed the server's one; without it those that Node trusts."),
    partBytes: z
      .int()
      .min(5 * 1024 * 1024)
      .max(1024 * 1024 * 1024)
      .default(16 * 1024 * 1024)
      .describe("Larger files are sent in parts of this size."),
    silenceMs: durationMs(10_000).describe("How long the server may be silent before a request is tried again."),
  }),
]);
export const opsData = z.discriminatedUnion(
  "driver",
  [
    z.strictObject({
      driver: z
        .literal("sqlite")
        .describe(
          "Which engine remembers output and logs; sqlite is embedded, elasticsearch needs a server of it or of OpenSearch.",
        ),
    }),
    z.strictObject({
      driver: z.literal("elasticsearch"),
      url: httpUrl("http://127.0.0.1:9200").describe("Where Elasticsearch 8 or 9, or OpenSearch 2 or 3, answers."),
      user: z.string().min(1).optional().describe("User there; without it none is named."),
      password: z.string().min(1).optional().describe("Its password.").meta({ secret: true }),
      apiKey: z.string().min(1).optional().describe("API key, instead of user and password.").meta({ secret: true }),
      ...tlsFiles("the server's one", "a server that asks"),
      prefix: z
        .string()
        .regex(/^[a-z0-9][a-z0-9._-]{0,50}$/, "must be small letters, digits, '.', '_' and '-'")
        .default("fx")
        .describe("In front of the names of indices and templates, where several installations share a server."),
      replicas: z
        .int()
        .min(0)
        .max(10)
        .default(1)
        .describe("Copies of each index beside itself; 0 for a single server."),
    }),
  ],
  { error: "must be sqlite, or elasticsearch for Elasticsearch and OpenSearch" },
);
