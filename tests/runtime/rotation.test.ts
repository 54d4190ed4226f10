/* oxlint-disable no-await-in-loop, unicorn/consistent-function-scoping -- the steps of a rotation come one after
   another, and so do its tries; what a test needs stands in it */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { rotation, type RotationEvent, type RotationOptions, RotationRefused } from "constructs-lib-runtime/rotation";
import { describe, expect, test, vi } from "vitest";

import { ARN, RotatedSecret } from "./rotated_secret.ts";

const STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"];
const TOKEN = "token-of-this-rotation";

class Refused extends Error {}

const event = (Step: string, ClientRequestToken = TOKEN): RotationEvent => ({
  Step,
  SecretId: ARN,
  ClientRequestToken,
});

/** Secrets Manager, a service that accepts one value, and the function, which dies at some instants. */
class World {
  instants = 0;
  accepts: string;
  readonly secret: RotatedSecret;
  readonly handler: (event: RotationEvent) => Promise<void>;
  readonly #deaths: number[];
  #died: () => void = () => undefined;

  constructor(deaths: number[] = [], value = "old") {
    this.#deaths = deaths;
    this.accepts = value;
    this.secret = new RotatedSecret(value);
    this.secret.atCall = () => this.step();
    this.handler = rotation({
      change: (fresh, current) => this.change(fresh, current),
      test: (tried) => this.test(tried),
      secretsManager: this.secret.client(),
    });
  }

  /** One instant; nothing comes after the one that the function dies at. */
  async step(): Promise<void> {
    // Whoever reads current and pending, in that order, always finds one that is accepted.
    expect([this.secret.value(), this.secret.value("AWSPENDING")]).toContain(this.accepts);
    this.instants += 1;
    if (this.#deaths.includes(this.instants)) {
      this.#died();
      await Promise.withResolvers<never>().promise;
    }
  }

  async change(fresh: string, current: string): Promise<void> {
    await this.step();
    if (current !== this.accepts) {
      throw new Refused();
    }
    this.accepts = fresh;
    await this.step();
  }

  async test(value: string): Promise<void> {
    await this.step();
    if (value !== this.accepts) {
      throw new Refused();
    }
  }

  /** Call the four steps, and all again while the function dies, as Secrets Manager does. */
  async rotate(token = TOKEN): Promise<void> {
    this.secret.begin(token);
    while (await this.#dies(token)) {
      // it is called again
    }
  }

  async #dies(token: string): Promise<boolean> {
    const { promise: death, resolve } = Promise.withResolvers<boolean>();
    this.#died = () => resolve(true);
    for (const step of STEPS) {
      if (await Promise.race([this.handler(event(step, token)).then(() => false), death])) {
        return true;
      }
    }
    return false;
  }
}

const whole = new World();
await whole.rotate();
const INSTANTS = Array.from({ length: whole.instants }, (_, index) => index + 1);

test("has an instant for each call, and one after each of the three changes", () => {
  expect(INSTANTS).toHaveLength(18);
});

test.each(INSTANTS)("ends whole when it dies at instant %i, and at any instant of the second try", async (first) => {
  for (const second of INSTANTS) {
    const world = new World([first, first + second]);
    await world.rotate();
    expect(world.secret.labelled("AWSCURRENT")).toBe(TOKEN);
    expect(world.secret.value()).toBe(world.accepts);
    expect(world.accepts).not.toBe("old");
    expect(world.secret.stages.get("v1")).toEqual(["AWSPREVIOUS"]);
  }
});

test("the handler of docs/secrets.md rotates", async () => {
  const root = join(import.meta.dirname, "../..");
  const page = readFileSync(join(root, "docs/secrets.md"), "utf8");
  const [, block = ""] = /```ts\n(import \{ rotation \}[^`]+)```/.exec(page) ?? [];
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache/page-"));
  writeFileSync(join(folder, "page.ts"), block);

  const world = new World();
  const logIn = vi.fn<(key: string) => Promise<void>>((key) => world.test(key));
  const setKey = vi.fn<(fresh: string, by: string) => Promise<void>>((fresh, by) => world.change(fresh, by));
  vi.stubGlobal("service", { logIn, setKey });
  const client = world.secret.client();
  const send = client.send.bind(client);
  vi.spyOn(SecretsManagerClient.prototype, "send").mockImplementation(send as never);
  try {
    const { handler } = (await import(join(folder, "page.ts"))) as { handler: typeof world.handler };
    world.secret.begin(TOKEN);
    for (const step of STEPS) {
      await handler(event(step));
    }
  } finally {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    rmSync(folder, { recursive: true });
  }
  expect(world.secret.labelled("AWSCURRENT")).toBe(TOKEN);
  expect(setKey.mock.calls).toEqual([[world.accepts, "old"]]);
});

test("changes nothing when the new value is current already", async () => {
  const world = new World();
  await world.rotate();
  world.secret.calls.length = 0;
  await world.rotate();
  expect(world.secret.calls).toEqual(STEPS.map(() => "DescribeSecret"));
});

test("keeps the value of a try that was given up as lost", async () => {
  const { secret, handler } = new World();
  secret.begin(TOKEN);
  secret.atCall = (what) => {
    if (what === "PutSecretValue") {
      secret.versions.set(TOKEN, "of the other try");
    }
    return Promise.resolve();
  };
  await handler(event("createSecret"));
  expect(secret.value("AWSPENDING")).toBe("of the other try");
});

const accepting: Pick<RotationOptions, "change" | "test"> = { change: () => undefined, test: () => undefined };

test("gives the maker of the value the current one and the token", async () => {
  const secret = new RotatedSecret("old");
  const make = (current: string, token: string): string => `${current}, then made for ${token}`;
  const handler = rotation({ ...accepting, new: make, secretsManager: secret.client() });
  secret.begin(TOKEN);
  await handler(event("createSecret"));
  expect(secret.value("AWSPENDING")).toBe(`old, then made for ${TOKEN}`);
});

describe("the new password", () => {
  test("is long and needs no quotes", () => {
    expect(whole.secret.value()).toMatch(/^[A-Za-z0-9_-]{32}$/);
  });

  test("replaces the field and keeps the others, digit by digit", async () => {
    const world = new World([], '{"username": "ada", "account": 12345678901234567890, "rate": 1.10, "password": "old"}');
    await world.rotate();
    const others = /^\{"username":"ada","account":12345678901234567890,"rate":1\.10,"password":"[\w-]{32}"\}$/;
    expect(world.secret.value()).toMatch(others);
  });

  test("is refused where no field is one", async () => {
    await expect(new World([], '{"token": "old"}').rotate()).rejects.toThrow("no field 'password'");
  });

  test.each(["[1]", "12345678901234567890", '"old"', "null"])("is bare where the current one is %s", async (value) => {
    const world = new World([], value);
    await world.rotate();
    expect(world.secret.value()).toMatch(/^[\w-]{32}$/);
  });
});

describe("a call that is none of its steps", () => {
  test.each([
    ["paintSecret", TOKEN, "no step of a rotation"],
    ["constructor", TOKEN, "no step of a rotation"],
    ["createSecret", "unknown", "no version of that token"],
    ["setSecret", TOKEN, "createSecret comes first"],
  ])("is refused: %s with %s", async (step, token, why) => {
    const { secret, handler } = new World();
    secret.begin(TOKEN);
    await expect(handler(event(step, token))).rejects.toThrow(new RegExp(why));
  });

  test("is refused for a version that was given up, and for a secret that is not rotated", async () => {
    const { secret, handler } = new World();
    secret.begin(TOKEN);
    secret.stages.set(TOKEN, ["AWSPREVIOUS"]);
    await expect(handler(event("createSecret"))).rejects.toThrow("not pending");
    secret.isRotated = false;
    await expect(handler(event("createSecret"))).rejects.toThrow(RotationRefused);
  });
});

test("passes on why the change failed, and leaves the old value current", async () => {
  const secret = new RotatedSecret("old");
  const refuse = (): never => {
    throw new Refused();
  };
  const handler = rotation({ change: refuse, test: refuse, secretsManager: secret.client() });
  secret.begin(TOKEN);
  await handler(event("createSecret"));
  await expect(handler(event("setSecret"))).rejects.toThrow(Refused);
  expect(secret.value()).toBe("old");
});

test("takes a test that returns false for one that refuses", async () => {
  const secret = new RotatedSecret("old");
  const isAccepted = (): boolean => false;
  const handler = rotation({ change: () => undefined, test: isAccepted as () => never, secretsManager: secret.client() });
  secret.begin(TOKEN);
  await handler(event("createSecret"));
  await handler(event("setSecret"));
  await expect(handler(event("testSecret"))).rejects.toThrow("test returned false");
});

test.each([{ password: "hunter2" }, undefined, ""])("says what new returned, and not which: %j", async (made) => {
  const secret = new RotatedSecret("old");
  const handler = rotation({ ...accepting, new: () => made as string, secretsManager: secret.client() });
  secret.begin(TOKEN);
  const said: unknown = await handler(event("createSecret")).catch((error: unknown) => error);
  expect(String(said)).toMatch(/^RotationRefused: new returned (object|undefined|nothing), wanted a string$/);
});
