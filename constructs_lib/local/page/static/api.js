// Asks the server. Only this page can: the cookie is of this page alone, and a write carries a header no form can send.

export class Refused extends Error {
  constructor(problems, status) {
    super(problems.map((each) => each.what).join("\n"));
    this.problems = problems;
    this.status = status;
  }
}

export async function read(path, query = {}) {
  return answered(await reached(`/api/${path}?${new URLSearchParams(query)}`, { headers: {} }));
}

export async function write(path, told) {
  const headers = { "content-type": "application/json", "x-constructs-lib": "page" };
  return answered(await reached(`/api/${path}`, { method: "POST", headers, body: JSON.stringify(told) }));
}

export async function upload(query, file) {
  const headers = { "content-type": "application/octet-stream", "x-constructs-lib": "page" };
  return answered(
    await reached(`/api/buckets/upload?${new URLSearchParams(query)}`, { method: "POST", headers, body: file }),
  );
}

export function downloadAddress(query) {
  return `/api/buckets/download?${new URLSearchParams(query)}`;
}

async function reached(address, how) {
  try {
    return await fetch(address, how);
  } catch {
    throw new Refused(
      [{ what: "the local run does not answer", where: location.host, fix: "start it again: constructs-lib local" }],
      0,
    );
  }
}

async function answered(response) {
  const told = await response.json().catch(() => ({}));
  if (response.ok) return told;
  const unknown = [{ what: `the answer was ${response.status}`, where: response.url, fix: "load the page again" }];
  throw new Refused(told.problems ?? unknown, response.status);
}
