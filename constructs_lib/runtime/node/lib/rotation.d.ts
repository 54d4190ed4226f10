import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
/** A call that no step may answer: the version is unknown, or the secret is not rotated. */
export declare class RotationRefused extends Error {
    readonly name = "RotationRefused";
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
export declare function rotation(options: RotationOptions): (event: RotationEvent) => Promise<void>;
