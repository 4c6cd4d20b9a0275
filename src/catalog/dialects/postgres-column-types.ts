import {
  type DataTypeNode,
  type KyselyPlugin,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
} from "kysely";

/**
 * What the migrations' types must be here to mean the same as in SQLite: whole numbers of 64 bits, and text in the
 * order of its bytes, whatever the database's collation, since lists and prefixes go by it.
 */
const types: Partial<Record<string, string>> = { integer: "bigint", text: 'text collate "C"' };

class ColumnTypes extends OperationNodeTransformer {
  protected override transformDataType(node: DataTypeNode): DataTypeNode {
    const type = typeof node.dataType === "string" ? types[node.dataType] : undefined;
    return type === undefined ? node : { ...node, dataType: type as DataTypeNode["dataType"] };
  }
}

/** For the statements of migrations. */
export class PostgresColumnTypes implements KyselyPlugin {
  readonly #types = new ColumnTypes();

  transformQuery({ node, queryId }: PluginTransformQueryArgs) {
    return this.#types.transformNode(node, queryId);
  }

  async transformResult({ result }: PluginTransformResultArgs) {
    return result;
  }
}
