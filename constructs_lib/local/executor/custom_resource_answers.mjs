// The CDK's own custom resources, and `cfn-response`, answer CloudFormation over https and port 443, whatever the URL
// says that they were given. Here it answers over http on a port of its own, so those answers are led there.
import { createRequire, syncBuiltinESMExports } from "node:module";

const ANSWERS = "/_ministack/cfn-response/";
let port; // where CloudFormation listens; undefined until a custom resource is asked for something

export function letAnswersArrive(event) {
  const url = event?.ResponseURL;
  if (typeof url !== "string" || !url.startsWith("http://") || !url.includes(ANSWERS)) return;
  const isLed = port !== undefined;
  port = new URL(url).port;
  if (isLed) return;
  const require = createRequire(import.meta.url);
  const [https, http] = [require("node:https"), require("node:http")];
  const original = https.request;
  https.request = function request(target, ...more) {
    const isAddress = typeof target === "string" || target instanceof URL;
    const place = isAddress ? new URL(target) : target;
    if (!(isAddress ? place.pathname : place?.path)?.startsWith(ANSWERS)) return original(target, ...more);
    if (!isAddress) return http.request({ ...place, protocol: "http:", port, agent: undefined }, ...more);
    place.protocol = "http:";
    place.port = port;
    return http.request(place, ...more);
  };
  syncBuiltinESMExports(); // for those who import it
}
