/**
 * The four steps of a rotation, of which a user writes the two that only they can: change the value, and try it out.
 *
 * Secrets Manager calls the function four times, and all four again, with the same token, when one of them fails. So
 * each step looks first whether it is done already; it may die at any instant.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
import { randomBytes } from "node:crypto";

import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandInput,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";

import { IN_TIME, objectOf } from "./kept.ts";

const CURRENT = "AWSCURRENT";
const PENDING = "AWSPENDING";
const BYTES = 24; // 32 letters, digits, - and _: nothing that a connection string would have to quote
const PASSWORD = "password"; // the field that AWS's own rotations change

/** A call that no step may answer: the version is unknown, or the secret is not rotated. */
export class RotationRefused extends Error {
  override readonly name = "RotationRefused";
}

/** What Secrets Manager calls the function with. */
export interface RotationEvent {
  readonly Step: string;
  readonly SecretId: string;
  readonly ClientRequestToken: string;
}

/** What only you know of a secret. */
export interface RotationOptions {
  /**
   * Takes the new value and the current one, and has the new one accepted. May be called again after it succeeded.
   * Where the service can take two values at once, let it take both, and drop the current one in the rotation after
   * this: then nobody is refused in between.
   */
  readonly change: (fresh: string, current: string) => void | Promise<void>;
  /** Takes a value, and throws if it is not accepted. It is called before `change`, too. */
  readonly test: (value: string) => void | Promise<void>;
  /**
   * Takes the current value and the token of the rotation, and returns the new value. The token is the same when it is
   * called again: give it to a service that makes the value itself, as its idempotency key. Default: 32 letters,
   * digits, dashes and underscores; in a secret of JSON, as its field `password`.
   */
  readonly new?: (current: string, token: string) => string | Promise<string>;
  /** The client. Default: one of its own. */
  readonly secretsManager?: SecretsManagerClient;
}

/** Make a Lambda handler that rotates a secret. */
export function rotation(options: RotationOptions): (event: RotationEvent) => Promise<void> {
  const client = options.secretsManager ?? new SecretsManagerClient(IN_TIME);
  const steps = new Map(Object.entries(stepsOf(options)));
  return async ({ Step, SecretId, ClientRequestToken }) => {
    const step = steps.get(Step);
    if (step === undefined) {
      throw new RotationRefused(`'${Step}' is no step of a rotation`);
    }
    const call = new Call(client, SecretId, ClientRequestToken);
    if (await call.isWaiting()) {
      await step(call);
    }
  };
}

function stepsOf(options: RotationOptions): Record<string, (call: Call) => Promise<void>> {
  const make = options.new ?? newPassword;
  const test = async (value: string): Promise<void> => {
    const told: unknown = await options.test(value);
    if (told === false) {
      throw new RotationRefused("test returned false: what is not accepted has to throw");
    }
  };
  return {
    /** Make the new value, unless an earlier try has. */
    async createSecret(call) {
      if ((await call.pending()) === undefined) {
        await call.put(await make(await call.current(), call.token));
      }
    },
    /** Have the new value accepted, unless it is: then an earlier try died behind the change. */
    async setSecret(call) {
      const pending = await call.pendingForSure();
      const isAccepted = await test(pending).then(
        () => true,
        () => false, // whatever says that the new value does not work yet
      );
      if (!isAccepted) {
        await options.change(pending, await call.current());
      }
    },
    async testSecret(call) {
      await test(await call.pendingForSure());
    },
    async finishSecret(call) {
      await call.makeCurrent();
    },
  };
}

/** A new password in the shape of the current one: bare, or the field `password` of a JSON object. */
function newPassword(current: string): string {
  const password = randomBytes(BYTES).toString("base64url");
  const fields = objectOf(current);
  if (fields === undefined) {
    return password;
  }
  if (!Object.hasOwn(fields, PASSWORD)) {
    throw new RotationRefused(`the secret has no field '${PASSWORD}': say what is new with rotation({ new: ... })`);
  }
  return JSON.stringify({ ...fields, [PASSWORD]: password });
}

/** One secret, and the version that a rotation makes of it. */
class Call {
  readonly token: string;
  readonly #client: SecretsManagerClient;
  readonly #secret: string;

  constructor(client: SecretsManagerClient, secret: string, token: string) {
    this.#client = client;
    this.#secret = secret;
    this.token = token;
  }

  /** Whether there is anything left to do; nothing is, once the new version is current. */
  async isWaiting(): Promise<boolean> {
    const { RotationEnabled, VersionIdsToStages } = await this.#described();
    if (RotationEnabled !== true) {
      throw new RotationRefused("the secret is not one that is rotated");
    }
    const stages = VersionIdsToStages?.[this.token];
    if (stages === undefined) {
      throw new RotationRefused("the secret has no version of that token");
    }
    if (stages.includes(CURRENT)) {
      return false;
    }
    if (!stages.includes(PENDING)) {
      throw new RotationRefused("the version of that token is not pending");
    }
    return true;
  }

  async current(): Promise<string> {
    return this.#value({ VersionStage: CURRENT });
  }

  /** The new value; nothing while there is none. */
  async pending(): Promise<string | undefined> {
    try {
      return await this.#value({ VersionId: this.token, VersionStage: PENDING });
    } catch (error) {
      if (error instanceof ResourceNotFoundException) {
        return undefined;
      }
      throw error;
    }
  }

  async pendingForSure(): Promise<string> {
    const found = await this.pending();
    if (found === undefined) {
      throw new RotationRefused("the new value is not made yet: createSecret comes first");
    }
    return found;
  }

  async put(value: unknown): Promise<void> {
    if (typeof value !== "string" || value === "") {
      throw new RotationRefused(`new returned ${value === "" ? "nothing" : typeof value}, wanted a string`);
    }
    const version = { SecretId: this.#secret, ClientRequestToken: this.token, VersionStages: [PENDING] };
    try {
      await this.#client.send(new PutSecretValueCommand({ ...version, SecretString: value }));
    } catch (error) {
      if (!(error instanceof ResourceExistsException)) {
        throw error; // else an earlier try, given up as lost, was quicker: its value counts
      }
    }
  }

  /** Move the label: from here on everybody reads the new value. */
  async makeCurrent(): Promise<void> {
    const { VersionIdsToStages = {} } = await this.#described();
    const old = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes(CURRENT));
    const move = { SecretId: this.#secret, VersionStage: CURRENT, MoveToVersionId: this.token };
    await this.#client.send(new UpdateSecretVersionStageCommand({ ...move, RemoveFromVersionId: old?.[0] }));
  }

  async #value(version: Partial<GetSecretValueCommandInput>): Promise<string> {
    const { SecretString } = await this.#client.send(
      new GetSecretValueCommand({ SecretId: this.#secret, ...version }),
    );
    if (SecretString === undefined) {
      throw new RotationRefused("the secret is binary, and these steps rotate text");
    }
    return SecretString;
  }

  #described(): Promise<{ RotationEnabled?: boolean | undefined; VersionIdsToStages?: Record<string, string[]> | undefined }> {
    return this.#client.send(new DescribeSecretCommand({ SecretId: this.#secret }));
  }
}
