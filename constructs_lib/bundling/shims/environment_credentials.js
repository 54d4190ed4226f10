// Stands in for @aws-sdk/credential-provider-node in a bundle: Lambda gives a function its credentials in the
// environment and nowhere else, so the other sources (files, SSO, web identity, instance metadata) are never asked.
// See docs/decisions/credential-chain.md.

const fromEnvironment = async () => {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env;
  if (!accessKeyId || !secretAccessKey) {
    const error = new Error(
      "no AWS credentials in the environment; this bundle looks nowhere else. " +
        'Bundle with credentials="chain" to search the other sources too',
    );
    error.name = "CredentialsProviderError";
    throw error;
  }
  const {
    AWS_SESSION_TOKEN: sessionToken,
    AWS_CREDENTIAL_EXPIRATION: expiration,
    AWS_CREDENTIAL_SCOPE: credentialScope,
    AWS_ACCOUNT_ID: accountId,
  } = process.env;
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    ...(expiration && { expiration: new Date(expiration) }),
    ...(credentialScope && { credentialScope }),
    ...(accountId && { accountId }),
  };
};

export const defaultProvider = () => fromEnvironment;

const FIVE_MINUTES_MS = 300_000;

export const credentialsWillNeedRefresh = (credentials) => credentials?.expiration !== undefined;

export const credentialsTreatedAsExpired = (credentials) =>
  credentials?.expiration !== undefined && credentials.expiration.getTime() - Date.now() < FIVE_MINUTES_MS;
