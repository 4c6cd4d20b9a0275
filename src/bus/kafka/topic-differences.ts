import type { Admin } from "@platformatic/kafka";
import { isAnswer, translateKafkaError } from "./errors.ts";

export interface TopicDifference {
  /** As the cluster names it. */
  topic: string;
  setting: string;
  has: string;
  needs: string;
  /** What comes of it. */
  because: string;
}

export interface TopicNeeds {
  partitions: number;
  maxMessageBytes: number;
  /** Of these topics the newest record of each key must stay. */
  compacted: ReadonlySet<string>;
}

const topicResource = 2;

/** What topics have otherwise than they are needed. Of their settings nothing is known where the right DescribeConfigs lacks. */
export async function differencesOf(
  admin: Admin,
  names: readonly string[],
  needs: TopicNeeds,
): Promise<TopicDifference[]> {
  if (names.length === 0) return [];
  const { topics } = await admin.metadata({ topics: [...names] }).catch((error: unknown) => {
    throw translateKafkaError(error, "tell the partitions of its topics");
  });
  const settings = await settingsOf(admin, names);
  return names.flatMap((topic) => {
    const partitions = topics.get(topic)?.partitionsCount ?? needs.partitions;
    const isCompacted = needs.compacted.has(topic);
    return [
      ...otherPartitions(partitions, needs.partitions),
      ...[...(settings.get(topic) ?? [])].flatMap(([setting, has]) => differenceOf(setting, has, needs, isCompacted)),
    ].map((difference) => ({ topic, ...difference }));
  });
}

type Difference = Omit<TopicDifference, "topic">;

function otherPartitions(has: number, needs: number): Difference[] {
  if (has === needs) return [];
  const because = "it keeps its own, and bus.partitions is for topics that are made";
  return [{ setting: "partitions", has: String(has), needs: String(needs), because }];
}

function differenceOf(setting: string, has: string, needs: TopicNeeds, isCompacted: boolean): Difference[] {
  switch (setting) {
    case "max.message.bytes":
      if (Number(has) >= needs.maxMessageBytes) return [];
      return [
        {
          setting,
          has,
          needs: String(needs.maxMessageBytes),
          because: "the largest events and values will be refused",
        },
      ];
    case "message.timestamp.type":
      if (has === "LogAppendTime") return [];
      return [{ setting, has, needs: "LogAppendTime", because: "a sender chooses how old its record is" }];
    case "cleanup.policy": {
      const wanted = isCompacted ? "compact" : "delete";
      if (has === wanted) return [];
      const because = isCompacted
        ? "state that is older cannot be brought back"
        : "records go of which nobody was told";
      return [{ setting, has, needs: wanted, because }];
    }
    case "retention.ms":
      if (isCompacted || has === "-1") return [];
      return [{ setting, has, needs: "-1", because: "brokers delete what was accepted and not read yet" }];
    default:
      return [];
  }
}

async function settingsOf(admin: Admin, names: readonly string[]): Promise<Map<string, Map<string, string>>> {
  try {
    const described = await admin.describeConfigs({
      resources: names.map((resourceName) => ({ resourceType: topicResource, resourceName })),
    });
    return new Map(
      described.map(({ resourceName, configs }) => [
        resourceName,
        new Map(configs.flatMap(({ name, value }) => (value == null ? [] : [[name, value]]))),
      ]),
    );
  } catch (error) {
    if (isAnswer(error, "TOPIC_AUTHORIZATION_FAILED")) return new Map();
    throw translateKafkaError(error, "tell the settings of its topics");
  }
}
