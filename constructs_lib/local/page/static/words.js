// How times, sizes and names are written.

export const clock = (seconds) => {
  const at = new Date(seconds * 1000);
  return `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, "0")}`;
};

export const shortClock = (seconds) => clock(seconds).slice(0, 8);

export const duration = (milliseconds) => {
  if (milliseconds === null || milliseconds === undefined) return "";
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return milliseconds < 60_000
    ? `${(milliseconds / 1000).toFixed(1)} s`
    : `${Math.floor(milliseconds / 60_000)} min ${Math.round((milliseconds % 60_000) / 1000)} s`;
};

export const ago = (seconds) => {
  const gone = Math.max(0, Date.now() / 1000 - seconds);
  if (gone < 60) return `${Math.round(gone)} s ago`;
  return gone < 5400 ? `${Math.round(gone / 60)} min ago` : new Date(seconds * 1000).toLocaleString();
};

export const size = (bytes) =>
  bytes < 1024
    ? `${bytes} B`
    : bytes < 1024 ** 2
      ? `${(bytes / 1024).toFixed(1)} KB`
      : `${(bytes / 1024 ** 2).toFixed(1)} MB`;

export const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** JSON in lines; what is none as it is. */
export const pretty = (told) => {
  try {
    return JSON.stringify(JSON.parse(told), null, 2);
  } catch {
    return told;
  }
};

/** The last part of an ARN, which is what a user knows. */
export const tail = (arn) => arn.split(/[:/]/).pop();
