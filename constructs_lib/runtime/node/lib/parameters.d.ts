import { type KeepOptions, type UseOptions } from "./kept.ts";
export type { KeepOptions, UseOptions };
/** The parameter that a variable names. */
export declare function parameterValue(variable: string, options?: KeepOptions): Promise<string>;
/** Call with the parameter that a variable names; if it is refused, read it again and call once more. */
export declare function withParameter<Result>(variable: string, call: (value: string) => Result | Promise<Result>, options: UseOptions): Promise<Result>;
/** All parameters below the path that a variable names, by what follows the path in their names. */
export declare function parametersBelow(variable: string, options?: KeepOptions): Promise<Record<string, string>>;
