/** The SDK waits for ever by default. Its four attempts at 2 s each stay within a function's timeout of 10 s. */
export const TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true };
