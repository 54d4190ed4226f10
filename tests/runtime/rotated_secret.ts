/** A Secrets Manager in memory behind the SDK's own client, with the labels and refusals that a rotation depends on. */
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

export const ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:Key-a1b2c3";
const CURRENT = "AWSCURRENT";

interface Asked {
  readonly SecretId: string;
  readonly VersionId?: string;
  readonly VersionStage?: string;
  readonly VersionStages?: string[];
  readonly ClientRequestToken?: string;
  readonly SecretString?: string;
  readonly MoveToVersionId?: string;
  readonly RemoveFromVersionId?: string;
}

type Answer = object | { readonly __type: string };

/** One secret. `atCall` is told of every call before, and of every change after it took effect. */
export class RotatedSecret {
  readonly versions: Map<string, string | undefined>;
  readonly stages: Map<string, string[]>;
  readonly calls: string[] = [];
  isRotated = true;
  atCall: (what: string) => Promise<void> = () => Promise.resolve();

  constructor(value: string) {
    this.versions = new Map([["v1", value]]);
    this.stages = new Map([["v1", [CURRENT]]]);
  }

  /** What RotateSecret does before it calls the function: a version with a label and without a value. */
  begin(token: string): void {
    if (!this.versions.has(token)) {
      this.versions.set(token, undefined);
      this.stages.set(token, ["AWSPENDING"]);
    }
  }

  labelled(label: string): string | undefined {
    return [...this.stages].find(([, labels]) => labels.includes(label))?.[0];
  }

  value(label = CURRENT): string | undefined {
    return this.versions.get(this.labelled(label) ?? "");
  }

  client(): SecretsManagerClient {
    return new SecretsManagerClient({
      requestHandler: {
        handle: async ({ headers, body }: { headers: Record<string, string>; body: Uint8Array }) => {
          const answer = await this.#answer(headers["x-amz-target"]?.split(".")[1] ?? "", JSON.parse(new TextDecoder().decode(body)) as Asked);
          const statusCode = "__type" in answer ? 400 : 200;
          const told = { "content-type": "application/x-amz-json-1.1" };
          return { response: { statusCode, headers: told, body: new TextEncoder().encode(JSON.stringify(answer)) } };
        },
      } as never, // of what a handler of requests is, this is all that one JSON answer takes
    });
  }

  async #answer(action: string, asked: Asked): Promise<Answer> {
    if (asked.SecretId !== ARN) {
      return { __type: "AccessDeniedException" };
    }
    this.calls.push(action);
    await this.atCall(action);
    switch (action) {
      case "DescribeSecret":
        return { RotationEnabled: this.isRotated, VersionIdsToStages: Object.fromEntries(this.stages) };
      case "GetSecretValue":
        return this.#get(asked);
      case "PutSecretValue":
        return this.#put(asked);
      default:
        return this.#move(asked);
    }
  }

  #get({ VersionId, VersionStage = CURRENT }: Asked): Answer {
    const version = this.labelled(VersionStage);
    const text = this.versions.get(version ?? "");
    return text === undefined || (VersionId !== undefined && VersionId !== version)
      ? { __type: "ResourceNotFoundException" }
      : { Name: "Key", VersionId: version, SecretString: text };
  }

  async #put({ ClientRequestToken: token = "", SecretString, VersionStages = [] }: Asked): Promise<Answer> {
    const known = this.versions.get(token);
    if (known !== undefined && known !== SecretString) {
      return { __type: "ResourceExistsException" };
    }
    this.versions.set(token, SecretString);
    this.stages.set(token, VersionStages);
    await this.atCall("PutSecretValue done");
    return {};
  }

  async #move({ VersionStage = "", MoveToVersionId = "", RemoveFromVersionId = "" }: Asked): Promise<Answer> {
    if (this.stages.get(RemoveFromVersionId)?.includes(VersionStage) !== true) {
      return { __type: "InvalidParameterException" };
    }
    this.stages.set(RemoveFromVersionId, ["AWSPREVIOUS"]);
    this.stages.set(MoveToVersionId, [...(this.stages.get(MoveToVersionId) ?? []), VersionStage]);
    await this.atCall("UpdateSecretVersionStage done");
    return {};
  }
}
