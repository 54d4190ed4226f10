/** Parameters of Systems Manager: one, or all below a path; kept for a while, and read again when they are refused. */
import { GetParameterCommand, paginateGetParametersByPath, SSMClient } from "@aws-sdk/client-ssm";

import { fieldsOf, IN_TIME, keptBy, type KeepOptions, type Reading, type Source, toldBy, type UseOptions } from "./kept.ts";

export type { KeepOptions, UseOptions };

/** The parameter that a variable names. */
export async function parameterValue(variable: string, options: KeepOptions = {}): Promise<string> {
  return (await kept(named(variable)).reading(options)).text;
}

/** Call with the parameter that a variable names; if it is refused, read it again and call once more. */
export async function withParameter<Result>(
  variable: string,
  call: (value: string) => Result | Promise<Result>,
  options: UseOptions,
): Promise<Result> {
  return kept(named(variable)).use(({ text }) => call(text), options);
}

/** All parameters below the path that a variable names, by what follows the path in their names. */
export async function parametersBelow(variable: string, options: KeepOptions = {}): Promise<Record<string, string>> {
  const path = toldBy(variable);
  if (!path.startsWith("/")) {
    const how = `secrets={"${variable}": ParameterPath("/...")}`;
    throw new Error(`the variable ${variable} names no path: set it with ${how}`);
  }
  const { text } = await below(path).reading(options);
  return Object.fromEntries([...fieldsOf(text)].map(([name, value]) => [name, String(value)]));
}

const kept = keptBy((arn): Source => {
  const client = clientOf(arn.split(":")[3] ?? "");
  const read = async (): Promise<Reading> => {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: arn, WithDecryption: true }));
    return { text: Parameter?.Value ?? "", version: String(Parameter?.Version), isCurrent: true };
  };
  const readInstead = async (refused: Reading): Promise<Reading | undefined> => {
    const newest = await read();
    return newest.version === refused.version ? undefined : newest;
  };
  return { read, readInstead };
});

const below = keptBy((path): Source => {
  const read = async (): Promise<Reading> => {
    const found: Record<string, string> = {};
    const asked = { Path: path, Recursive: true, WithDecryption: true };
    for await (const page of paginateGetParametersByPath({ client: clientOf(process.env["AWS_REGION"] ?? "") }, asked)) {
      for (const { Name = "", Value = "" } of page.Parameters ?? []) {
        found[Name.startsWith(`${path}/`) ? Name.slice(path.length + 1) : Name] = Value;
      }
    }
    return { text: JSON.stringify(found), version: "", isCurrent: true };
  };
  return { read, readInstead: () => Promise.resolve(undefined) };
});

const clients = new Map<string, SSMClient>();

function clientOf(region: string): SSMClient {
  const client = clients.get(region) ?? new SSMClient({ region, ...IN_TIME });
  clients.set(region, client);
  return client;
}

function named(variable: string): string {
  const arn = toldBy(variable);
  if (!arn.startsWith("arn:") || arn.split(":")[2] !== "ssm") {
    throw new Error(`the variable ${variable} names no parameter: set it with secrets={"${variable}": parameter}`);
  }
  return arn;
}
