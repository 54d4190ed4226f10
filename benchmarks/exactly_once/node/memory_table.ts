/** DynamoDB in memory, as far as idempotency asks it: conditional writes, transactions, and a log of who called what. */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";

export type Item = Record<string, AttributeValue>;

interface Write {
  TableName?: string | undefined;
  Item?: Item | undefined;
  Key?: Item | undefined;
  UpdateExpression?: string | undefined;
  ConditionExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Item | undefined;
  ReturnValuesOnConditionCheckFailure?: string | undefined;
}

/** What happens around each request, by its name; may reject, as a lost connection or a lost answer does. */
export interface Weather {
  before?: (name: string) => void | Promise<void>;
  after?: (name: string) => void | Promise<void>;
}

/** All tables of one account, behind the SDK's own client. */
export class MemoryTable {
  readonly items = new Map<string, Item>();
  readonly calls: string[] = [];

  /** A client of these tables: the SDK's, except that nothing leaves the process. */
  client(weather: Weather = {}): DynamoDBClient {
    const client = new DynamoDBClient({ region: "eu-central-1", credentials: { accessKeyId: "a", secretAccessKey: "b" } });
    const send = async (command: unknown): Promise<unknown> => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the SDK sends commands
      const name = (command as object).constructor.name.replace("Command", "");
      this.calls.push(name);
      await weather.before?.(name);
      const answer = this.#answer(command);
      await weather.after?.(name);
      return answer;
    };
    return Object.assign(client, { send });
  }

  item(table: string, id: string): Item | undefined {
    return this.items.get(`${table}/${id}`);
  }

  /** The items of one table. */
  all(table: string): Item[] {
    return [...this.items].filter(([place]) => place.startsWith(`${table}/`)).map(([, item]) => item);
  }

  #answer(command: unknown): unknown {
    if (command instanceof GetItemCommand) {
      return { Item: this.items.get(placeOf(command.input)) };
    }
    if (command instanceof TransactWriteItemsCommand) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each item holds one write
      return this.#allOrNone((command.input.TransactItems ?? []).map((item) => Object.values(item).find(Boolean) as Write));
    }
    if (
      command instanceof PutItemCommand ||
      command instanceof UpdateItemCommand ||
      command instanceof DeleteItemCommand
    ) {
      return this.#write(command.input);
    }
    throw new Error("not a request this table knows");
  }

  #allOrNone(writes: Write[]): object {
    const CancellationReasons = writes.map((write) => ({
      Code: this.#allows(write) ? "None" : "ConditionalCheckFailed",
    }));
    if (CancellationReasons.some(({ Code }) => Code !== "None")) {
      throw new TransactionCanceledException({ message: "cancelled", $metadata: {}, CancellationReasons });
    }
    writes.forEach((write) => this.#write(write));
    return {};
  }

  #write(write: Write): object {
    const place = placeOf(write);
    const stored = this.items.get(place);
    if (!this.#allows(write)) {
      const wanted = write.ReturnValuesOnConditionCheckFailure === "ALL_OLD" && stored !== undefined;
      throw new ConditionalCheckFailedException({
        message: "The conditional request failed",
        $metadata: {},
        ...(wanted ? { Item: stored } : {}),
      });
    }
    if (write.Item !== undefined) {
      this.items.set(place, write.Item);
    } else if (write.UpdateExpression === undefined) {
      this.items.delete(place);
    } else {
      const changes = write.UpdateExpression.replace("SET ", "").split(", ").map((each) => each.split(" = "));
      const changed = changes.map(([name = "", value = ""]) => [
        write.ExpressionAttributeNames?.[name],
        write.ExpressionAttributeValues?.[value],
      ]);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- names and values as the request gave them
      this.items.set(place, { ...(stored ?? write.Key), ...(Object.fromEntries(changed) as Item) });
    }
    return {};
  }

  #allows(write: Write): boolean {
    return write.ConditionExpression === undefined || holds(write, this.items.get(placeOf(write)) ?? {});
  }
}

function placeOf({ TableName, Item, Key }: Write): string {
  return `${TableName}/${(Key ?? Item)?.["id"]?.S}`;
}

/** Whether a condition of AND, OR, parentheses, =, < and the two exists functions holds for an item. */
function holds(write: Write, item: Item): boolean {
  const left = write.ConditionExpression?.match(/[()=<]|[#:]?\w+/g) ?? [];
  const next = (): string => left.shift() ?? "";
  const nameOf = (token: string): string => write.ExpressionAttributeNames?.[token] ?? token;
  const any = (): boolean => {
    let result = all();
    while (left[0] === "OR") {
      next();
      const other = all();
      result ||= other;
    }
    return result;
  };
  const all = (): boolean => {
    let result = one();
    while (left[0] === "AND") {
      next();
      const other = one();
      result &&= other;
    }
    return result;
  };
  const one = (): boolean => {
    const token = next();
    if (token === "(") {
      const result = any();
      next();
      return result;
    }
    if (token.startsWith("attribute_")) {
      next();
      const isThere = nameOf(next()) in item;
      next();
      return isThere === (token === "attribute_exists");
    }
    const operator = next();
    return compares(item[nameOf(token)], operator, write.ExpressionAttributeValues?.[next()]);
  };
  return any();
}

function compares(stored: AttributeValue | undefined, operator: string, value: AttributeValue | undefined): boolean {
  if (stored?.N !== undefined && value?.N !== undefined) {
    return operator === "=" ? Number(stored.N) === Number(value.N) : Number(stored.N) < Number(value.N);
  }
  if (stored?.S !== undefined && value?.S !== undefined) {
    return operator === "=" ? stored.S === value.S : stored.S < value.S;
  }
  return false;
}
