/** The function in Node, in every variant: real handlers on real Powertools, the table in memory; driven by JSON lines. */
import { createInterface } from "node:readline";

import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import { IdempotencyConfig, makeIdempotent } from "@aws-lambda-powertools/idempotency";
import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import { Logger } from "@aws-lambda-powertools/logger";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Context, SQSRecord } from "aws-lambda";
import { type BatchEvent, queueWorker, type WorkerRecord } from "constructs-lib-runtime";

import { MemoryTable } from "./memory_table.ts";
import * as time from "./virtual_time.ts";

type Fault = "error" | "error after" | "hang" | "hang after" | "crash" | "crash after";
interface Plan {
  readonly kind: "good" | "unreadable" | "raises" | "hangs";
  readonly work_ms: number;
  readonly faults: readonly Fault[];
}
interface Story {
  readonly variant: keyof typeof VARIANTS;
  readonly plans: Record<string, Plan>;
  readonly timeoutMs: number;
  readonly stormMs: number;
}
interface Ending {
  readonly invocation: number;
  readonly how: "answer" | "error" | "killed";
  readonly failures?: string[];
}
interface Answer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}
type Handler = (event: { Records: SQSRecord[] }, context: Context) => Promise<Answer | void>;
type Order = WorkerRecord<{ order: string }>;

class World {
  readonly story: Story;
  readonly table = new MemoryTable();
  readonly effects = new Map<string, number>();
  endings: Ending[] = [];
  readonly #attempts = new Map<string, number>();
  readonly #charges = new Set<string>();
  readonly #environments = new Map<number, { environment: time.Environment; handler: Handler }>();
  readonly #running = new Map<time.Environment, number>();

  constructor(story: Story) {
    this.story = story;
  }

  /** Begin an invocation. */
  invoke(invocation: number, id: number, Records: SQSRecord[]): void {
    let place = this.#environments.get(id);
    if (place === undefined) {
      const environment: time.Environment = { id, isFrozen: false, isDead: false };
      place = { environment, handler: VARIANTS[this.story.variant](this) };
      this.#environments.set(id, place);
    }
    const { environment, handler } = place;
    environment.isFrozen = false;
    this.#running.set(environment, invocation);
    time.environments.run(environment, () => {
      const endsAt = time.now() + this.story.timeoutMs;
      const timer = time.after(this.story.timeoutMs, () => this.#kill(environment));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the part of Lambda's context that is read
      const context = {
        awsRequestId: String(invocation),
        getRemainingTimeInMillis: () => Math.max(0, endsAt - time.now()),
      } as Context;
      const end = (ending: Omit<Ending, "invocation">): void => {
        if (!environment.isDead) {
          time.cancel(timer);
          environment.isFrozen = true;
          this.endings.push({ invocation, ...ending });
        }
      };
      void handler({ Records }, context).then(
        (answer) => end({ how: "answer", failures: answer?.batchItemFailures.map((each) => each.itemIdentifier) ?? [] }),
        () => end({ how: "error" }),
      );
    });
  }

  /** A client of one environment: it takes its time, and reaches nothing once the environment is gone. */
  client(): DynamoDBClient {
    const pass = async (ms: number): Promise<void> => {
      await time.sleep(ms);
      await this.#alive();
    };
    return this.table.client({ before: () => pass(8), after: () => pass(4) });
  }

  /** Do what the story says of this attempt at an order. */
  async fulfil(order: string, effect: () => void | Promise<void>): Promise<void> {
    const plan = this.story.plans[order];
    const attempt = this.#attempts.get(order) ?? 0;
    this.#attempts.set(order, attempt + 1);
    if (plan === undefined || plan.kind === "hangs") {
      return time.never();
    }
    if (plan.kind === "raises") {
      throw new Error("poison");
    }
    const fault = time.now() < this.story.stormMs ? plan.faults[attempt] : undefined;
    await this.#suffer(fault, "error", "hang", "crash");
    await time.sleep(plan.work_ms);
    await effect();
    await this.#suffer(fault, "error after", "hang after", "crash after");
  }

  note(order: string): void {
    this.effects.set(order, (this.effects.get(order) ?? 0) + 1);
  }

  /** An effect that is itself once for each key, as payment services offer it. */
  charge(order: string, key: string): void {
    if (!this.#charges.has(key)) {
      this.#charges.add(key);
      this.note(order);
    }
  }

  counted(): Record<string, number> {
    for (const item of this.table.all("orders")) {
      this.note(item["order"]?.S ?? "");
    }
    return Object.fromEntries(this.effects);
  }

  async #suffer(fault: Fault | undefined, error: Fault, hang: Fault, crash: Fault): Promise<void> {
    if (fault === error) {
      throw new Error(error);
    }
    if (fault === crash) {
      const environment = time.environments.getStore();
      if (environment !== undefined) {
        this.#kill(environment);
      }
    }
    if (fault === hang || fault === crash) {
      await time.never();
    }
  }

  #alive(): Promise<void> {
    return time.environments.getStore()?.isDead === true ? time.never() : Promise.resolve();
  }

  #kill(environment: time.Environment): void {
    const invocation = this.#running.get(environment);
    if (!environment.isDead && invocation !== undefined) {
      environment.isDead = true;
      this.endings.push({ invocation, how: "killed" });
    }
  }
}

function orderIn(text: string): string {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the story's own messages
  return (JSON.parse(text) as { order: string }).order;
}

function plain(world: World): Handler {
  return async ({ Records }) => {
    await Promise.all(
      Records.map(async ({ body }) => {
        const order = orderIn(body);
        await world.fulfil(order, () => world.note(order));
      }),
    );
  };
}

function stockBatch(world: World): Handler {
  const processor = new BatchProcessor(EventType.SQS);
  const handle = async (record: SQSRecord): Promise<void> => {
    const order = orderIn(record.body);
    await world.fulfil(order, () => world.note(order));
  };
  return (event, context) => processPartialResponse(event, handle, processor, { context });
}

function stockIdempotency(world: World): Handler {
  const processor = new BatchProcessor(EventType.SQS);
  const config = new IdempotencyConfig({});
  const once = makeIdempotent((order: string) => world.fulfil(order, () => world.note(order)), {
    persistenceStore: new DynamoDBPersistenceLayer({ tableName: "handled", awsSdkV3Client: world.client() }),
    config,
    keyPrefix: "orders",
    dataIndexArgument: 0,
  });
  const handle = async (record: SQSRecord): Promise<void> => {
    await once(orderIn(record.body));
  };
  return (event, context) => {
    config.registerLambdaContext(context);
    return processPartialResponse(event, handle, processor, { context });
  };
}

const logger = new Logger({ logLevel: "SILENT" });

function worker(effect: (world: World, record: Order) => void | Promise<void>) {
  return (world: World): Handler => {
    const handler = queueWorker<Order["body"]>(
      (record) => world.fulfil(record.body.order, () => effect(world, record)),
      { key: ({ body }) => body.order, dynamodb: world.client(), logger },
    );
    return (event: BatchEvent, context) => handler(event, context);
  };
}

const VARIANTS = {
  plain,
  batch: stockBatch,
  stock: stockIdempotency,
  beside: worker((world, { body }) => world.note(body.order)),
  key: worker((world, { body, idempotencyKey }) => world.charge(body.order, idempotencyKey)),
  commit: worker((_, { body, commit }) =>
    commit({ Put: { TableName: "orders", Item: { id: `${body.order} at ${time.now()}`, order: body.order } } }),
  ),
};

interface Request {
  readonly begin?: Story;
  readonly invoke?: { invocation: number; environment: number; records: SQSRecord[] };
  readonly advance?: { untilMs: number | null };
  readonly effects?: object;
}

async function main(): Promise<void> {
  time.rule();
  let world: World | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what node_functions.py sends
    const { begin, invoke, advance } = JSON.parse(line) as Request;
    let answer: unknown = {};
    if (begin !== undefined) {
      time.reset();
      world = new World(begin);
    } else if (world === undefined) {
      throw new Error("no story has begun");
    } else if (invoke !== undefined) {
      world.invoke(invoke.invocation, invoke.environment, invoke.records);
    } else if (advance === undefined) {
      answer = world.counted();
    } else {
      const { endings } = world;
      await time.advance(advance.untilMs ?? Infinity, () => endings.length > 0);
      world.endings = [];
      answer = { nowMs: time.now(), endings };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

await main();
