import { getSecret } from "@aws-lambda-powertools/parameters/secrets";
import { getParameter } from "@aws-lambda-powertools/parameters/ssm";

const variable = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

export const handler = async (): Promise<{ secret: unknown; parameter: unknown }> => ({
  secret: await getSecret(variable("STRIPE_KEY")),
  parameter: await getParameter(variable("LIMIT")),
});
