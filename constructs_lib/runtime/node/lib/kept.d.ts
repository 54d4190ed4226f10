/**
 * Keeps what was read for a while, and reads it again when somebody refuses it.
 *
 * A secret that is rotated has two values that may be right. While Secrets Manager rotates, the service that the secret
 * is for already takes the new one (`AWSPENDING`), and `AWSCURRENT` is still the old one; when it has, an environment
 * that keeps the old one goes on with it until its time is over. So a refusal is no failure yet: what is current now is
 * read, and if that is what was refused, what is pending.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
/** What was read. */
export interface Reading {
    readonly text: string;
    /** What tells it from the ones before and after. */
    readonly version: string;
    /** Whether it is what everybody is to use, and may be kept before it was tried. */
    readonly isCurrent: boolean;
}
/** Where a value comes from. */
export interface Source {
    /** Read what is current, from wherever it is quickest. */
    read(): Promise<Reading>;
    /** Read what may be right where a reading was refused; nothing where there is nothing else. */
    readInstead(refused: Reading): Promise<Reading | undefined>;
}
/** How a value is kept. */
export interface KeepOptions {
    /** How long a value is kept before it is read again. Default: 300 seconds. */
    readonly maxAgeSeconds?: number;
}
/** How a value is used. */
export interface UseOptions extends KeepOptions {
    /** Whether an error of the call says that the value was wrong. */
    readonly refused: (error: unknown) => boolean;
}
/**
 * Settings of a client that gives up while the function still has time to say what it could not reach: in a VPC without
 * a way to the service the SDK would wait until the function is out of time, and all that the log had is a timeout.
 */
export declare const IN_TIME: {
    requestHandler: {
        connectionTimeout: number;
        requestTimeout: number;
        throwOnRequestTimeout: boolean;
    };
};
/** One value, kept for a while. */
export declare class Kept {
    #private;
    /** `now` tells milliseconds since 1970: the clock that goes on while Lambda freezes an environment. */
    constructor(source: Source, now?: () => number);
    /** What is kept, read again when it is old. Whoever asks in the meantime waits for the same answer. */
    reading({ maxAgeSeconds }?: KeepOptions): Promise<Reading>;
    /** What `call` returns for the value, or for the one after it, if the first was refused. */
    use<Result>(call: (reading: Reading) => Result | Promise<Result>, options: UseOptions): Promise<Result>;
}
/** What is kept of a kind, by its name. */
export declare function keptBy(sourceOf: (name: string) => Source): (name: string) => Kept;
/** The fields of a JSON object; none if it is something else. No error of the parser gets out, for it carries the text. */
export declare function fieldsOf(json: string): Map<string, unknown>;
/** A JSON object, whose numbers are written out again digit by digit; nothing if the text is something else. */
export declare function objectOf(json: string): object | undefined;
/** What a variable says. */
export declare function toldBy(variable: string): string;
