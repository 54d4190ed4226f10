/** What the stack tells a function through its environment. */

/** Read a variable, or refuse to load: a function that is wired wrongly must not wait for its first order to say so. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new Error(`${name} is not set: the stack sets it with what it grants`);
  }
  return value;
}
