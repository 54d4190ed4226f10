// What Lambda gives a Node function that streams its answer: the global `awslambda`, and the stream itself.
//
// https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html

import { Writable } from "node:stream";
import { finished } from "node:stream/promises";

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming"); // wrappers of handlers copy it
const HTTP_ANSWER = "application/vnd.awslambda.http-integration-response";
const BETWEEN_HEAD_AND_BODY = new Uint8Array(8);

/** Whether the handler was wrapped in `streamifyResponse`. */
export function isStreaming(handler) {
  return handler[STREAMING] === "response";
}

/** The stream a handler writes to; `tell(kind, text, done)` hands a frame to the executor. */
export class ResponseStream extends Writable {
  #tell;
  #contentType = "application/octet-stream";
  #hasBegun = false;
  #head;

  constructor(tell, highWaterMark) {
    super({ highWaterMark });
    this.#tell = tell;
  }

  setContentType(contentType) {
    if (this.#hasBegun) throw new Error("the content type cannot be set after the first write");
    this.#contentType = contentType;
  }

  /** Status and headers, which go out before the first byte of the body, and without one not at all. */
  setHead(metadata) {
    this.setContentType(HTTP_ANSWER);
    this.#head = metadata;
  }

  write(chunk, encoding, callback) {
    const isText = typeof chunk === "string" || chunk instanceof Uint8Array;
    return super.write(isText ? chunk : JSON.stringify(chunk), encoding, callback);
  }

  finished() {
    return finished(this);
  }

  _write(chunk, _encoding, callback) {
    let body = chunk;
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#tell("begin", JSON.stringify(this.#contentType));
      if (this.#head !== undefined) {
        body = Buffer.concat([Buffer.from(JSON.stringify(this.#head)), BETWEEN_HEAD_AND_BODY, chunk]);
      }
    }
    this.#tell("part", JSON.stringify(body.toString("base64")), callback);
  }
}

globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[STREAMING] = "response";
    const highWaterMark = Number(options?.highWaterMark);
    if (highWaterMark > 0) handler[Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark")] = highWaterMark;
    return handler;
  },
  HttpResponseStream: {
    from(stream, metadata) {
      stream.setHead(metadata);
      return stream;
    }
  },
};

/** The buffer size a handler asked for; undefined for Node's own. */
export function highWaterMarkOf(handler) {
  return handler[Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark")];
}
