/** Bodies that no route may take, and none may fail on. */
import type { Request } from "./event.ts";

const base64 = (bytes: string | readonly number[]): Request => ({
  body: (typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes)).toString("base64"),
  isBase64Encoded: true,
});
const named = (name: string): Request => ({ body: `{"name": ${name}, "email": "ada@example.com"}` });

/** Each with the message of the answer, and the field it names, if it names one. */
export const HOSTILE: readonly (readonly [what: string, request: Request, message: string, field: string | undefined])[] = [
  ["text", { body: "name=Ada" }, "the body is not valid JSON", undefined],
  ["half an object", { body: '{"name": "Ada"' }, "the body is not valid JSON", undefined],
  ["two objects", { body: "{}{}" }, "the body is not valid JSON", undefined],
  ["single quotes", { body: "{'name': 'Ada'}" }, "the body is not valid JSON", undefined],
  ["a trailing comma", { body: '{"name": "Ada",}' }, "the body is not valid JSON", undefined],
  ["NaN", { body: '{"name": NaN}' }, "the body is not valid JSON", undefined],
  ["a NUL", { body: "\0" }, "the body is not valid JSON", undefined],
  ["a byte order mark", { body: '\uFEFF{"name": "Ada"}' }, "the body is not valid JSON", undefined],
  ["XML", { body: "<name>Ada</name>" }, "the body is not valid JSON", undefined],
  ["deep nesting", { body: "[".repeat(16_000) }, "the body is not valid JSON", undefined],
  ["null", { body: "null" }, "the body is not a JSON object", undefined],
  ["a number", { body: "42" }, "the body is not a JSON object", undefined],
  ["a string", { body: '"Ada"' }, "the body is not a JSON object", undefined],
  ["true", { body: "true" }, "the body is not a JSON object", undefined],
  ["an array", { body: '[{"name": "Ada"}]' }, "the body is not a JSON object", undefined],
  ["deep closed nesting", { body: "[".repeat(8_000) + "]".repeat(8_000) }, "the body is not a JSON object", undefined],
  ["__proto__", { body: '{"__proto__": {"name": "Ada"}}' }, "the body has a field named __proto__", undefined],
  ["escaped __proto__", { body: '{"\\u005f_proto__": 1}' }, "the body has a field named __proto__", undefined],
  ["1 MB", named(`"${"a".repeat(1024 * 1024)}"`), "the body is 1048616 bytes long, longer than the 16384 accepted", undefined],
  ["1 MB of blanks", { body: " ".repeat(1024 * 1024) }, "the body is 1048576 bytes long, longer than the 16384 accepted", undefined],
  ["base64 of 1 MB", base64("a".repeat(1024 * 1024)), "the body is 1048576 bytes long, longer than the 16384 accepted", undefined],
  ["base64 of text", base64("name=Ada"), "the body is not valid JSON", undefined],
  ["base64 of invalid UTF-8", base64([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]), "the body is not valid UTF-8", undefined],
  ["base64 of a cut UTF-8 sequence", base64([0xe2, 0x82]), "the body is not valid UTF-8", undefined],
  ["base64 of UTF-16", base64([0xff, 0xfe, 0x7b, 0x00]), "the body is not valid UTF-8", undefined],
  ["no base64 at all", { body: "!!{}!!", isBase64Encoded: true }, "the body is not valid base64", undefined],
  ["a null name", named("null"), "must be a string", "name"],
  ["a number for a name", named("1"), "must be a string", "name"],
  ["a boolean for a name", named("false"), "must be a string", "name"],
  ["an array for a name", named('["Ada"]'), "must be a string", "name"],
  ["an object for a name", named('{"toString": "Ada"}'), "must be a string", "name"],
  ["a name of 101 characters", named(`"${"a".repeat(101)}"`), "must have at most 100 characters", "name"],
  ["a name with a NUL", named('"A\\u0000da"'), "must not contain control characters", "name"],
  ["a name of two lines", named('"Ada\\nLovelace"'), "must not contain control characters", "name"],
  ["half a surrogate pair", named('"\\ud83d"'), "must be valid Unicode", "name"],
  ["a name that lost its bytes", named('"Ad\uFFFD"'), "must be valid Unicode", "name"],
];
