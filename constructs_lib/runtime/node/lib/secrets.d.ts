import { type KeepOptions, type UseOptions } from "./kept.ts";
export type { KeepOptions, UseOptions };
/** The secret, or the field of it, that a variable names. */
export declare function secretValue(variable: string, options?: KeepOptions): Promise<string>;
/**
 * Call with the secret that a variable names; if it is refused, read it again and call once more.
 *
 * Whoever rotates the secret while functions run needs nothing else: neither a deployment nor a moment in which nobody
 * calls. What is refused costs one to three more reads, and one more call.
 */
export declare function withSecret<Result>(variable: string, call: (value: string) => Result | Promise<Result>, options: UseOptions): Promise<Result>;
