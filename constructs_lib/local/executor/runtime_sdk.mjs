// Lambda's Node runtimes bring the AWS SDK for JavaScript v3: functions need not bundle it, and many do not.
//
// Here it comes from the node_modules of the app that is run, `AWS_SDK_FOLDERS`. Nothing else is found there: what a
// function forgot to bundle must fail here as it does on AWS.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html#nodejs-sdk-included

import module from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const BROUGHT = /^@(aws-sdk|smithy|aws)\//;
const MISSING = new Set(["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"]);

const folders = (process.env.AWS_SDK_FOLDERS ?? "").split(path.delimiter).filter(Boolean);
delete process.env.AWS_SDK_FOLDERS; // Lambda has no such variable

function resolve(specifier, context, next) {
  try {
    return next(specifier, context);
  } catch (error) {
    if (!BROUGHT.test(specifier) || !MISSING.has(error.code)) throw error;
    for (const folder of folders) {
      try {
        return resolveFrom(path.join(folder, "app.js"), specifier, context, next);
      } catch {
        // not there either; the error that counts is the first one
      }
    }
    process.stderr.write(
      `${specifier} is part of Lambda's runtime; here it comes from the node_modules of your app: ` +
        `npm install --save-dev ${specifier.split("/", 2).join("/")}\n`,
    );
    throw error;
  }
}

function resolveFrom(file, specifier, context, next) {
  if (context.conditions.includes("import")) return next(specifier, { ...context, parentURL: pathToFileURL(file).href });
  return { url: pathToFileURL(module.createRequire(file).resolve(specifier)).href, shortCircuit: true };
}

if (typeof module.registerHooks === "function") module.registerHooks({ resolve });
