import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";

import type { handler as chargeCard } from "../../../lambda_src/orders/charge_card.ts";
import type { handler as refundCard } from "../../../lambda_src/orders/refund_card.ts";
import type { handler as writePackingSlip } from "../../../lambda_src/orders/write_packing_slip.ts";
import { PLACED } from "./environment.ts";
import { RecordedAws } from "./recorded_aws.ts";

const CHARGED = { charge: expect.stringMatching(/^ch_[0-9a-f]{24}$/) };

let aws: RecordedAws;
let charge: typeof chargeCard;
let refund: typeof refundCard;
let writeSlip: typeof writePackingSlip;

beforeAll(async () => {
  aws = await RecordedAws.start();
  ({ handler: charge } = await import("../../../lambda_src/orders/charge_card.ts"));
  ({ handler: refund } = await import("../../../lambda_src/orders/refund_card.ts"));
  ({ handler: writeSlip } = await import("../../../lambda_src/orders/write_packing_slip.ts"));
});
beforeEach(() => {
  aws.reset();
});
afterAll(() => aws.stop());

const named = (action: string) => aws.calls.filter((each) => each.action === action).map(({ input }) => input);
const charged = (card: string, attempt: number) => charge({ order: { ...PLACED, card }, attempt });
const refunded = () => refund({ input: PLACED, result: { charge: "ch_1" } });

describe("charging a card", () => {
  test("answers with the charge, which it has noted", async () => {
    const payment = await charged("tok_visa", 0);
    expect(payment).toEqual(CHARGED);
    expect(named("DynamoDB.PutItem")).toEqual([
      {
        TableName: "payments",
        Item: {
          id: { S: "order-1" },
          charge: { S: payment.charge },
          amount_cents: { N: "5300" },
          status: { S: "charged" },
        },
        ConditionExpression: "attribute_not_exists(id)",
      },
    ]);
  });

  test("is the same charge the second time, and leaves the first note alone", async () => {
    const first = await charged("tok_visa", 0);
    aws.refuse("DynamoDB.PutItem", "ConditionalCheckFailedException");
    expect(await charged("tok_visa", 1)).toEqual(first);
  });

  test.each([
    ["tok_declined", 0, "CardDeclined"],
    ["tok_declined", 2, "CardDeclined"],
    ["tok_declined_twice", 1, "CardDeclined"],
    ["tok_unreachable_once", 0, "ProviderUnreachable"],
  ])("fails for %s on attempt %i with an error called %s, and notes nothing", async (card, attempt, name) => {
    await expect(charged(card, attempt)).rejects.toMatchObject({ name });
    expect(named("DynamoDB.PutItem")).toEqual([]);
  });

  test.each([
    ["tok_declined_twice", 2],
    ["tok_unreachable_once", 1],
  ])("succeeds for %s on attempt %i", async (card, attempt) => {
    expect(await charged(card, attempt)).toEqual(CHARGED);
  });

  test("reads the key again when the provider knows another by now", async () => {
    vi.resetModules(); // whose environment keeps no key yet
    const { handler: fresh } = await import("../../../lambda_src/orders/charge_card.ts");
    const versions = [
      { VersionId: "v1", SecretString: "" }, // which the provider refuses
      { VersionId: "v2", SecretString: "the new key" },
    ];
    aws.on("SecretsManager.GetSecretValue", () => versions.shift() ?? {});
    expect(await fresh({ order: PLACED, attempt: 0 })).toEqual(CHARGED);
    expect(named("SecretsManager.GetSecretValue")).toHaveLength(2);
  });

  test("fails when the note is not taken, so that it is tried again", async () => {
    aws.refuse("DynamoDB.PutItem", "AccessDeniedException");
    await expect(charged("tok_visa", 0)).rejects.toMatchObject({ name: "AccessDeniedException" });
  });
});

describe("refunding a card", () => {
  test("notes the refund of what was charged", async () => {
    const { refund: id } = await refunded();
    expect(id).toMatch(/^re_[0-9a-f]{24}$/);
    expect(named("DynamoDB.UpdateItem")).toMatchObject([
      {
        TableName: "payments",
        Key: { id: { S: "order-1" } },
        ConditionExpression: "#status = :charged",
        ExpressionAttributeValues: { ":charged": { S: "charged" }, ":refunded": { S: "refunded" }, ":refund": { S: id } },
      },
    ]);
  });

  test("is the same refund the second time", async () => {
    const first = await refunded();
    aws.refuse("DynamoDB.UpdateItem", "ConditionalCheckFailedException");
    expect(await refunded()).toEqual(first);
  });
});

describe("writing a packing slip", () => {
  test("puts a mail for the warehouse into the outbox, under a name of the order's", async () => {
    await writeSlip(PLACED);
    expect(named("DynamoDB.PutItem")).toEqual([
      {
        TableName: "outbox",
        Item: {
          id: { S: "order-1#packing-slip" },
          to: { S: "warehouse@example.com" },
          subject: { S: "Pack order order-1" },
          text: { S: "1 x teapot\n2 x teacup" },
        },
      },
    ]);
  });

  test.each([[{}], [null], [{ ...PLACED, items: "all" }]])("fails on %j, which is no order", async (event) => {
    await expect(writeSlip(event)).rejects.toThrow();
    expect(aws.calls).toEqual([]);
  });
});
