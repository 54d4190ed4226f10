/** The connection of this environment: one, opened with the first request and kept; a token takes the place of a password. */
import { Signer } from "@aws-sdk/rds-signer";
import { Pool } from "pg";

import { setting } from "../orders/settings.ts";

const hostname = setting("DATABASE_HOST");
const port = Number(setting("DATABASE_PORT"));
const username = setting("DATABASE_USER");

// Signed here, without a call; made anew for each connection, since it is good for 15 minutes.
const signer = new Signer({ hostname, port, username, region: setting("AWS_REGION") });

/** At most one connection: an environment serves one request at a time. */
export const database = new Pool({
  host: hostname,
  port,
  user: username,
  database: setting("DATABASE_NAME"),
  password: () => signer.getAuthToken(),
  ssl: true, // verified against the authorities Node knows, Amazon's among them
  max: 1,
  idleTimeoutMillis: 0, // the proxy ends what is idle for half an hour, and the next request opens another
  // No `statement_timeout` or `options`: RDS Proxy refuses sessions that begin with settings. The user has its limit in
  // migrations/0003_limits.sql.
  connectionTimeoutMillis: 5000,
});

// A connection may end while this environment is frozen. Whoever uses it is told by the query; an event that nobody hears
// would end the process instead.
const ignore = (): undefined => undefined;
database.on("error", ignore);
database.on("connect", (client) => client.on("error", ignore));
