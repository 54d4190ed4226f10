/* oxlint-disable unicorn/consistent-function-scoping -- what a test needs stands in it */
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { parametersBelow, parameterValue, withParameter } from "constructs-lib-runtime/parameters";
import { type secretValue, type withSecret } from "constructs-lib-runtime/secrets";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Kept, type Reading } from "../../constructs_lib/runtime/node/src/kept.ts";
import { ARN, SecretsOnLoopback } from "./secrets_on_loopback.ts";

class Refused extends Error {}
const refused = (error: unknown): boolean => error instanceof Refused;

/** A service that accepts some values. */
const accepting =
  (...accepted: string[]) =>
  (value: string): string => {
    if (!accepted.includes(value)) {
      throw new Refused();
    }
    return `did it with ${value}`;
  };

const aws = await SecretsOnLoopback.start();
let secrets: { secretValue: typeof secretValue; withSecret: typeof withSecret };

beforeEach(async () => {
  aws.reset();
  vi.stubEnv("KEY", ARN);
  vi.stubEnv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "");
  vi.resetModules(); // nothing is kept from another test
  secrets = await import("../../constructs_lib/runtime/node/src/secrets.ts");
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => aws.stop());

describe("keeping", () => {
  const readings = (): { kept: Kept; reads: () => number; clock: { now: number } } => {
    let reads = 0;
    const clock = { now: 1_000_000 };
    const read = (): Promise<Reading> => {
      reads += 1;
      return Promise.resolve({ text: `read ${reads}`, version: `v${reads}`, isCurrent: true });
    };
    const kept = new Kept({ read, readInstead: () => Promise.resolve(undefined) }, () => clock.now);
    return { kept, reads: () => reads, clock };
  };

  test("reads once, and again when it is old", async () => {
    const { kept, reads, clock } = readings();
    await kept.reading();
    clock.now += 299_999;
    await kept.reading();
    expect(reads()).toBe(1);
    clock.now += 1;
    expect((await kept.reading()).text).toBe("read 2");
  });

  test("reads again when the clock was set back", async () => {
    const { kept, reads, clock } = readings();
    await kept.reading();
    clock.now -= 1;
    await kept.reading();
    expect(reads()).toBe(2);
  });

  test("reads once for all who ask together", async () => {
    const values = await Promise.all(Array.from({ length: 20 }, () => secrets.secretValue("KEY")));
    expect(new Set(values)).toEqual(new Set(["old"]));
    expect(aws.calls).toEqual(["GetSecretValue"]);
  });

  test("gives up before the function is out of time", async () => {
    const send = vi.spyOn(SecretsManagerClient.prototype, "send");
    await secrets.secretValue("KEY");
    const client = send.mock.contexts[0] as SecretsManagerClient;
    const handler = client.config.requestHandler as unknown as { httpHandlerConfigs(): { connectionTimeout?: number } };
    const { connectionTimeout = Infinity } = handler.httpHandlerConfigs();
    const tries = 3; // unless AWS_MAX_ATTEMPTS says otherwise
    expect(connectionTimeout * tries).toBeLessThan(10_000); // which a function has unless told otherwise
    send.mockRestore();
  });

  test("tries again after it could not read", async () => {
    let isBroken = true;
    const read = (): Promise<Reading> =>
      isBroken ? Promise.reject(new Error("throttled")) : Promise.resolve({ text: "a", version: "1", isCurrent: true });
    const kept = new Kept({ read, readInstead: () => Promise.resolve(undefined) });
    await expect(kept.reading()).rejects.toThrow("throttled");
    isBroken = false;
    expect((await kept.reading()).text).toBe("a");
  });
});

describe("a refusal", () => {
  test("is none when nothing is refused", async () => {
    expect(await secrets.withSecret("KEY", accepting("old"), { refused })).toBe("did it with old");
    expect(aws.calls).toEqual(["GetSecretValue"]);
  });

  test("reads what is current when the rotation has ended", async () => {
    await secrets.secretValue("KEY");
    aws.current = { id: "v2", text: "new" };
    expect(await secrets.withSecret("KEY", accepting("new"), { refused })).toBe("did it with new");
    expect(await secrets.secretValue("KEY")).toBe("new");
    expect(aws.calls).toEqual(["GetSecretValue", "GetSecretValue"]);
  });

  test("reads what is pending between the change and the end of the rotation, and keeps it", async () => {
    aws.pending = { id: "v2", text: "new" };
    expect(await secrets.withSecret("KEY", accepting("new"), { refused })).toBe("did it with new");
    expect(await secrets.withSecret("KEY", accepting("new"), { refused })).toBe("did it with new");
    expect(aws.calls).toEqual(["GetSecretValue", "GetSecretValue", "GetSecretValue AWSPENDING"]);
  });

  test("reads what is current when the rotation ends between two looks", async () => {
    aws.pending = { id: "v2", text: "new" };
    aws.answered = (): void => {
      if (aws.calls.length === 2) {
        aws.finish(); // after what is kept, and what is current
      }
    };
    expect(await secrets.withSecret("KEY", accepting("new"), { refused })).toBe("did it with new");
    expect(await secrets.secretValue("KEY")).toBe("new");
  });

  test("returns to what is current when the rotation was taken back", async () => {
    aws.pending = { id: "v2", text: "new" };
    await secrets.withSecret("KEY", accepting("new"), { refused });
    expect(await secrets.withSecret("KEY", accepting("old"), { refused })).toBe("did it with old");
  });

  test("keeps nothing pending before it was taken", async () => {
    aws.pending = { id: "v2", text: "new" };
    await expect(secrets.withSecret("KEY", accepting(), { refused })).rejects.toThrow(Refused);
    expect(await secrets.secretValue("KEY")).toBe("old");
  });

  test("is passed on when there is no other value", async () => {
    const call = vi.fn<(value: string) => string>(accepting());
    await expect(secrets.withSecret("KEY", call, { refused })).rejects.toThrow(Refused);
    expect(call.mock.calls).toEqual([["old"]]);
  });

  test.each([undefined, { text: "new", version: "v2", isCurrent: false }])(
    "in vain is read again once a second: %j",
    async (other) => {
      const clock = { now: 1_000_000 };
      const readInstead = vi.fn<() => Promise<Reading | undefined>>(() => Promise.resolve(other));
      const read = (): Promise<Reading> => Promise.resolve({ text: "old", version: "v1", isCurrent: true });
      const kept = new Kept({ read, readInstead }, () => clock.now);
      const use = (): Promise<string> => kept.use(({ text }) => accepting()(text), { refused });
      for (let times = 0; times < 5; times += 1) {
        // oxlint-disable-next-line no-await-in-loop -- one after another
        await expect(use()).rejects.toThrow(Refused);
      }
      expect(readInstead).toHaveBeenCalledTimes(1);
      clock.now += 1000;
      await expect(use()).rejects.toThrow(Refused);
      expect(readInstead).toHaveBeenCalledTimes(2);
    },
  );

  test("that nothing tells is said before there is one", async () => {
    const options = { refused: [Refused] } as never;
    await expect(secrets.withSecret("KEY", accepting("old"), options)).rejects.toThrow("refused is no function");
  });

  test("is not any failure", async () => {
    aws.pending = { id: "v2", text: "new" };
    const call = vi.fn<() => never>(() => {
      throw new RangeError("another failure");
    });
    await expect(secrets.withSecret("KEY", call, { refused })).rejects.toThrow(RangeError);
    expect(call).toHaveBeenCalledTimes(1);
  });

  test("of calls together is read again once", async () => {
    await secrets.secretValue("KEY");
    aws.current = { id: "v2", text: "new" };
    const call = async (value: string): Promise<string> => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return accepting("new")(value);
    };
    const done = Array.from({ length: 20 }, () => secrets.withSecret("KEY", call, { refused }));
    expect(new Set(await Promise.all(done))).toEqual(new Set(["did it with new"]));
    expect(aws.calls).toHaveLength(2);
  });
});

describe("a field", () => {
  test("is read with the others of its secret", async () => {
    aws.current = { id: "v1", text: JSON.stringify({ username: "ada", password: "old", port: 5432 }) };
    const names = ["username", "password", "port"];
    for (const name of names) {
      vi.stubEnv(`DB_${name}`, `${ARN}:${name}::`);
    }
    const values = await Promise.all(names.map((name) => secrets.secretValue(`DB_${name}`)));
    expect(values).toEqual(["ada", "old", "5432"]);
    expect(aws.calls).toEqual(["GetSecretValue"]);
  });

  test.each(["hunter2", '["hunter2"]', '{"pass": "hunter2"}', '"hunter2"'])(
    "that is not there tells no value of %s",
    async (text) => {
      aws.current = { id: "v1", text };
      vi.stubEnv("FIELD", `${ARN}:password::`);
      const said: unknown = await secrets.secretValue("FIELD").catch((error: unknown) => error);
      expect(String(said)).toBe("Error: the secret of FIELD has no field 'password', or is no JSON object");
      expect(said).not.toHaveProperty("cause");
    },
  );
});

describe("a variable", () => {
  test("that is missing is named", async () => {
    vi.stubEnv("KEY", "");
    await expect(secrets.secretValue("KEY")).rejects.toThrow("the variable KEY is not set");
  });

  test.each(["hunter2", "arn:aws:ssm:eu-central-1:123456789012:parameter/hunter2"])(
    "that holds something else is not told: %s",
    async (told) => {
      vi.stubEnv("KEY", told);
      const said: unknown = await secrets.secretValue("KEY").catch((error: unknown) => error);
      expect(String(said)).toContain("the variable KEY names no secret");
      expect(String(said)).not.toContain("hunter2");
    },
  );
});

describe("the extension", () => {
  beforeEach(() => {
    vi.stubEnv("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", String(aws.port));
    vi.stubEnv("AWS_SESSION_TOKEN", "token");
  });

  test("is asked first, and what was refused never again", async () => {
    aws.extension = { status: 200, body: JSON.stringify({ Name: "Key", VersionId: "v1", SecretString: "old" }) };
    aws.current = { id: "v2", text: "new" };
    expect(await secrets.withSecret("KEY", accepting("new"), { refused })).toBe("did it with new");
    expect(aws.calls).toEqual([
      `extension token /secretsmanager/get?secretId=${encodeURIComponent(ARN)}`,
      "GetSecretValue",
    ]);
  });

  test.each([
    { status: 400, body: "not ready" },
    { status: 200, body: "{}" },
    { status: 500, body: "" },
  ])("is passed by while it answers $status $body", async (answer) => {
    aws.extension = answer;
    expect(await secrets.secretValue("KEY")).toBe("old");
  });
});

describe("parameters", () => {
  const arn = (name: string): string => `arn:aws:ssm:eu-central-1:123456789012:parameter/${name}`;

  test("below a path are read page by page, once", async () => {
    vi.stubEnv("CONFIG", "/shop");
    expect(await parametersBelow("CONFIG")).toEqual({ limit: "10", "eu/tax": "19" });
    expect(await parametersBelow("CONFIG")).toEqual({ limit: "10", "eu/tax": "19" });
    expect(aws.calls).toEqual(["GetParametersByPath", "GetParametersByPath"]);
  });

  test("that are refused are read again", async () => {
    vi.stubEnv("LIMIT", arn("limit-1"));
    expect(await parameterValue("LIMIT")).toBe("10");
    aws.parameter = { Value: "11", Version: 2 };
    expect(await withParameter("LIMIT", accepting("11"), { refused })).toBe("did it with 11");
  });

  test("that have not changed pass the refusal on", async () => {
    vi.stubEnv("LIMIT", arn("limit-2"));
    await expect(withParameter("LIMIT", accepting(), { refused })).rejects.toThrow(Refused);
  });

  test("of variables of another kind are refused", async () => {
    vi.stubEnv("CONFIG", "/shop");
    await expect(parameterValue("CONFIG")).rejects.toThrow("CONFIG names no parameter");
    vi.stubEnv("LIMIT", arn("limit"));
    await expect(parametersBelow("LIMIT")).rejects.toThrow("LIMIT names no path");
  });
});
