/**
 * The four steps of a rotation, of which a user writes the two that only they can: change the value, and try it out.
 *
 * Secrets Manager calls the function four times, and all four again, with the same token, when one of them fails. So
 * each step looks first whether it is done already; it may die at any instant.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
import { randomBytes } from "node:crypto";
import { DescribeSecretCommand, GetSecretValueCommand, PutSecretValueCommand, ResourceExistsException, ResourceNotFoundException, SecretsManagerClient, UpdateSecretVersionStageCommand, } from "@aws-sdk/client-secrets-manager";
import { IN_TIME, objectOf } from "./kept.js";
const CURRENT = "AWSCURRENT";
const PENDING = "AWSPENDING";
const BYTES = 24; // 32 letters, digits, - and _: nothing that a connection string would have to quote
const PASSWORD = "password"; // the field that AWS's own rotations change
/** A call that no step may answer: the version is unknown, or the secret is not rotated. */
export class RotationRefused extends Error {
    name = "RotationRefused";
}
/** Make a Lambda handler that rotates a secret. */
export function rotation(options) {
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
function stepsOf(options) {
    const make = options.new ?? newPassword;
    const test = async (value) => {
        const told = await options.test(value);
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
            const isAccepted = await test(pending).then(() => true, () => false);
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
function newPassword(current) {
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
    token;
    #client;
    #secret;
    constructor(client, secret, token) {
        this.#client = client;
        this.#secret = secret;
        this.token = token;
    }
    /** Whether there is anything left to do; nothing is, once the new version is current. */
    async isWaiting() {
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
    async current() {
        return this.#value({ VersionStage: CURRENT });
    }
    /** The new value; nothing while there is none. */
    async pending() {
        try {
            return await this.#value({ VersionId: this.token, VersionStage: PENDING });
        }
        catch (error) {
            if (error instanceof ResourceNotFoundException) {
                return undefined;
            }
            throw error;
        }
    }
    async pendingForSure() {
        const found = await this.pending();
        if (found === undefined) {
            throw new RotationRefused("the new value is not made yet: createSecret comes first");
        }
        return found;
    }
    async put(value) {
        if (typeof value !== "string" || value === "") {
            throw new RotationRefused(`new returned ${value === "" ? "nothing" : typeof value}, wanted a string`);
        }
        const version = { SecretId: this.#secret, ClientRequestToken: this.token, VersionStages: [PENDING] };
        try {
            await this.#client.send(new PutSecretValueCommand({ ...version, SecretString: value }));
        }
        catch (error) {
            if (!(error instanceof ResourceExistsException)) {
                throw error; // else an earlier try, given up as lost, was quicker: its value counts
            }
        }
    }
    /** Move the label: from here on everybody reads the new value. */
    async makeCurrent() {
        const { VersionIdsToStages = {} } = await this.#described();
        const old = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes(CURRENT));
        const move = { SecretId: this.#secret, VersionStage: CURRENT, MoveToVersionId: this.token };
        await this.#client.send(new UpdateSecretVersionStageCommand({ ...move, RemoveFromVersionId: old?.[0] }));
    }
    async #value(version) {
        const { SecretString } = await this.#client.send(new GetSecretValueCommand({ SecretId: this.#secret, ...version }));
        if (SecretString === undefined) {
            throw new RotationRefused("the secret is binary, and these steps rotate text");
        }
        return SecretString;
    }
    #described() {
        return this.#client.send(new DescribeSecretCommand({ SecretId: this.#secret }));
    }
}
