/** What a function answers to an HTTP API: JSON, nothing, or an error in the one shape all routes share. */
import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";

export type Answer = APIGatewayProxyStructuredResultV2;

/** One thing wrong with one field of a request. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

/** An answer other than success that the caller can act on; thrown anywhere below `route`. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly code: string;
  readonly fields: readonly FieldProblem[] | undefined;

  constructor(status: number, code: string, message: string, fields?: readonly FieldProblem[]) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}

export const badRequest = (message: string, fields?: readonly FieldProblem[]): HttpError =>
  new HttpError(400, "invalid_request", message, fields);

export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  statusCode: status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

export const noContent = (): Answer => ({ statusCode: 204 });

export const failure = (error: HttpError, requestId: string): Answer =>
  json(error.status, {
    error: {
      code: error.code,
      message: error.message,
      ...(error.fields === undefined ? {} : { fields: error.fields }),
      request_id: requestId,
    },
  });
